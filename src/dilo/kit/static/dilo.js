// Comforts over pages that work without them: keys, confirmations, guards. No page depends on this file.
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  // Ask before what cannot be undone: a form or button with data-confirm.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (question && !form.dataset.sure) {
      event.preventDefault();
      const dialog = $("#confirm");
      $("p", dialog).textContent = question;
      dialog.showModal();
      dialog.addEventListener(
        "close",
        () => {
          if (dialog.returnValue !== "yes") return;
          form.dataset.sure = "1";
          form.requestSubmit(event.submitter);
        },
        { once: true },
      );
      return;
    }
    // A second tap does nothing: the server's key guards anyway.
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    }
  });
  addEventListener("pageshow", () =>
    $$("form[data-sent]").forEach((form) => delete form.dataset.sent),
  );

  // Menus close when one looks away.
  document.addEventListener("click", (event) => {
    $$("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (event.target.closest("[data-burger]")) $(".side")?.classList.toggle("open");
    else if (!event.target.closest(".side")) $(".side")?.classList.remove("open");
    if (event.target.closest("[data-print]")) print();
    const close = event.target.closest("[data-dismiss]");
    if (close) close.closest(".flash").remove();
    const found = $(".found");
    if (found && !event.target.closest(".finder")) found.replaceChildren();
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, label, select"))
      location.href = row.dataset.href;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-mark-all]"))
      $$(`input[name=${event.target.dataset.markAll}]`, event.target.form).forEach((box) => {
        box.checked = event.target.checked;
      });
    if (event.target.matches("[data-check-all]"))
      $$("input[type=checkbox]", event.target.closest("table")).forEach((box) => {
        box.checked = event.target.checked;
      });
  });

  // Keys by their place on the keyboard, so they work in a Cyrillic layout too.
  let going = 0;
  const move = (step) => {
    const rows = $$("table.list tbody tr[data-href]");
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.classList.contains("cursor"));
    rows[at]?.classList.remove("cursor");
    const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    row.classList.add("cursor");
    row.scrollIntoView({ block: "nearest" });
    stands = row.dataset.href;
  };
  // A list drawn anew keeps the cursor where it stood.
  let stands = "";
  const stand = () => {
    if (!stands || $("tr.cursor")) return;
    $$("tr[data-href]")
      .find((row) => row.dataset.href === stands)
      ?.classList.add("cursor");
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.code === "KeyK") {
      event.preventDefault();
      $(".finder input")?.focus();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.code === "Enter") {
      typing(event.target)?.form?.requestSubmit();
      return;
    }
    if (event.code === "Escape") {
      $$("details.menu[open]").forEach((menu) => {
        menu.open = false;
      });
      $(".found")?.replaceChildren();
    }
    const finder = event.target.closest?.(".finder");
    if (finder && (event.code === "ArrowDown" || event.code === "ArrowUp")) {
      const stops = $$("input, .found a", finder);
      const next = stops[stops.indexOf(event.target) + (event.code === "ArrowDown" ? 1 : -1)];
      if (next) {
        event.preventDefault();
        next.focus();
      }
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (going && Date.now() - going < 1200) {
      going = 0;
      const link = $(`[data-go="${event.code}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    const deeds = {
      Slash: () =>
        event.shiftKey
          ? $("#keys")?.showModal()
          : ($(".tools input[type=search]") || $(".finder input"))?.focus(),
      KeyG: () => {
        going = Date.now();
      },
      KeyC: () => $("[data-create]")?.click(),
      KeyJ: () => ($("[data-next]") ? $("[data-next]").click() : move(1)),
      KeyK: () => ($("[data-before]") ? $("[data-before]").click() : move(-1)),
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => {
        const row = $("tr.cursor");
        if (row) location.href = row.dataset.href;
      },
    };
    // Arrows scroll a page, save where its list says that they walk it.
    if (event.code.startsWith("Arrow") && !$("table[data-arrows]")) return;
    if (deeds[event.code]) {
      if (event.code !== "Enter" || $("tr.cursor")) event.preventDefault();
      deeds[event.code]();
    }
  });

  // Order lines: one more row by a button or by Enter in the last quantity.
  const addLine = () => {
    const template = $("#line-template");
    if (!template) return;
    $("#lines").append(template.content.cloneNode(true));
    $("#lines tr:last-child input")?.focus();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-line]")) addLine();
    const drop = event.target.closest("[data-drop-line]");
    if (drop) {
      const form = drop.closest("form");
      drop.closest("tr").remove();
      form.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.code !== "Enter" || !event.target.matches("#lines input")) return;
    event.preventDefault();
    const row = event.target.closest("tr");
    const inputs = $$("input", row);
    const next = inputs[inputs.indexOf(event.target) + 1];
    if (next) next.focus();
    else if (row.nextElementSibling) $("input", row.nextElementSibling).focus();
    else addLine();
  });

  // Codes are suggested by what is typed, a word of the name or a barcode will do.
  let asking = 0;
  document.addEventListener("input", (event) => {
    const list = $("#codes");
    if (!list || !event.target.matches("#lines input[name=code]") || event.target.value.length < 2)
      return;
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const answer = await fetch(
        `${list.dataset.from || "/office/orders/products"}?q=${encodeURIComponent(event.target.value)}`,
      );
      if (answer.ok)
        list.replaceChildren(
          ...new DOMParser()
            .parseFromString(await answer.text(), "text/html")
            .querySelectorAll("option"),
        );
    }, 200);
  });

  // Quantities: Enter goes down; in a grid of variants arrows go everywhere and the sums follow.
  const number = (input) => Number.parseFloat(input.value.replace(",", ".")) || 0;
  const addUp = (grid) => {
    const rows = new Map(),
      columns = new Map();
    let all = 0;
    $$("input[name=quantity]", grid).forEach((input) => {
      const cell = input.closest("td"),
        row = cell.parentElement,
        n = number(input);
      rows.set(row, (rows.get(row) || 0) + n);
      columns.set(cell.cellIndex, (columns.get(cell.cellIndex) || 0) + n);
      all += n;
    });
    const show = (output, sum) => {
      if (output) output.value = Math.round(sum * 1e4) / 1e4;
    };
    const foot = grid.tFoot.rows[0];
    rows.forEach((sum, row) => show($("output", row), sum));
    columns.forEach((sum, at) => show($("output", foot.cells[at]), sum));
    show($("output", foot.lastElementChild), all);
  };
  document.addEventListener("input", (event) => {
    const grid = event.target.closest("[data-grid]");
    if (grid?.tFoot) addUp(grid);
  });
  $$("[data-grid]").forEach((grid) => {
    if (grid.tFoot) addUp(grid);
  });
  document.addEventListener("keydown", (event) => {
    if (
      !event.target.matches("input[name=quantity]") ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const rows = event.target.closest("[data-rows]"),
      grid = event.target.closest("[data-grid]");
    let next = null;
    if (rows && event.code === "Enter") {
      const all = $$("input[name=quantity]", rows);
      next = all[all.indexOf(event.target) + 1];
    } else if (grid) {
      const [down, right] = {
        ArrowUp: [-1, 0],
        ArrowDown: [1, 0],
        Enter: [1, 0],
        ArrowLeft: [0, -1],
        ArrowRight: [0, 1],
      }[event.code] || [0, 0];
      const { selectionStart: from, selectionEnd: upto, value } = event.target;
      const inside = right < 0 ? from > 0 : right > 0 && upto < value.length;
      const cell = event.target.closest("td"),
        line = grid.tBodies[0].rows[cell.parentElement.sectionRowIndex + down];
      const to = (down || right) && !inside && line?.cells[cell.cellIndex + right];
      next = to ? $("input[name=quantity]", to) : null;
    }
    if (next) {
      event.preventDefault();
      next.focus();
      next.select();
    }
  });
  // What scrolls sideways is reached by the keyboard too.
  const reach = () =>
    $$(".wrap").forEach((box) => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  reach();
  addEventListener("resize", reach);

  // What has changed on the page is said by a region that stays: one swapped with its words is not heard.
  const words = () =>
    $$("[data-say]")
      .map((one) => one.textContent.replace(/\s+/g, " ").trim())
      .join(". ");
  let told = words();
  const tell = () => {
    if (words() !== told) $("#said").textContent = told = words();
  };
  for (const swapped of ["htmx:afterSwap", "htmx:after:swap"])
    document.addEventListener(swapped, () => {
      reach();
      tell();
      stand();
    });

  // What was typed is not lost by a stray click.
  let dirty = false;
  document.addEventListener("input", (event) => {
    if (event.target.closest("form[data-guard]")) dirty = true;
  });
  document.addEventListener("submit", () => {
    dirty = false;
  });
  addEventListener("beforeunload", (event) => {
    if (dirty) event.preventDefault();
  });
})();
