"""All reports by name."""

from dilo.analytics import approvals, debts, ledger, sales
from dilo.analytics.report import Report
from dilo.kit.errors import NotFound

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (*debts.REPORTS, *approvals.REPORTS, *sales.REPORTS, *ledger.REPORTS)
}


def report_of(name: str) -> Report:
    """Raises NOT_FOUND."""
    found = REPORTS.get(name)
    if found is None:
        raise NotFound
    return found
