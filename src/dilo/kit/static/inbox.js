// The composer of a conversation: saved replies by keyboard, a draft that outlives a failure.
(() => {
  const form = document.querySelector("[data-composer]");
  if (!form) return;
  const text = form.querySelector("textarea"),
    box = form.querySelector("#phrases");
  const search = box.querySelector("input"),
    none = box.querySelector("[data-none]");
  const options = [...box.querySelectorAll("[role=option]")];
  const shown = () => options.filter((option) => !option.hidden);
  let at = 0;

  // What was typed is kept until it is seen among what was said: a lost answer of the server loses nothing.
  const place = `draft:${form.dataset.composer}`;
  const said = () =>
    [...document.querySelectorAll(".talk .ours p, .talk .internal p")]
      .slice(-10)
      .map((one) => one.textContent.trim());
  const kept = sessionStorage.getItem(place);
  if (kept && said().includes(kept.trim())) sessionStorage.removeItem(place);
  else if (kept && !text.value) text.value = kept;
  const keep = () => {
    text.value.trim()
      ? sessionStorage.setItem(place, text.value)
      : sessionStorage.removeItem(place);
  };
  text.addEventListener("input", keep);

  const mark = () => {
    const open = shown();
    at = Math.max(0, Math.min(at, open.length - 1));
    options.forEach((option) => option.setAttribute("aria-selected", String(option === open[at])));
    search.setAttribute("aria-activedescendant", open[at]?.id || "");
    open[at]?.scrollIntoView({ block: "nearest" });
    none.hidden = open.length > 0;
  };
  const sift = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    options.forEach((option) => {
      option.hidden = !words.every((word) => option.textContent.toLowerCase().includes(word));
    });
    at = 0;
    mark();
  };
  const open = () => {
    box.hidden = false;
    search.value = "";
    sift();
    search.focus();
  };
  const close = () => {
    if (!box.hidden) {
      box.hidden = true;
      text.focus();
    }
  };
  const insert = (option) => {
    const { selectionStart: from, selectionEnd: upto, value } = text;
    text.setRangeText(option.dataset.words, from, upto, "end");
    if (text.value.length > text.maxLength) text.value = value;
    keep();
    close();
  };

  text.addEventListener("keydown", (event) => {
    const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
    const begins =
      event.key === "/" && bare && /(^|\n)$/.test(text.value.slice(0, text.selectionStart));
    const asked = (event.ctrlKey || event.metaKey) && event.code === "KeyK";
    if (!begins && !asked) return;
    event.preventDefault();
    event.stopPropagation();
    open();
  });
  search.addEventListener("input", sift);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (step) {
      at += step;
      mark();
    } else if (event.code === "Enter") {
      const option = shown()[at];
      if (option) insert(option);
    } else if (event.code === "Escape" || event.code === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  options.forEach((option) => option.addEventListener("click", () => insert(option)));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-phrases]")) {
      box.hidden ? open() : close();
      return;
    }
    if (!box.hidden && !event.target.closest("#phrases")) box.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.code !== "KeyR" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    text.focus();
  });
})();
