// Parts of the Phonemes page that name a slice: a click plays it in the figure.
element.addEventListener("click", (event) => {
  const slice = event.target.closest("[data-start]");
  const figure = document.querySelector("#phonemes-figure .ph-figure");
  if (!slice || !figure) return;
  const detail = { start: Number(slice.dataset.start), end: Number(slice.dataset.end) };
  figure.dispatchEvent(new CustomEvent("hear", { detail, bubbles: true }));
});
