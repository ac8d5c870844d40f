"""ABC and XYZ of clients and goods; segments that follow from them by rule, reversibly."""
