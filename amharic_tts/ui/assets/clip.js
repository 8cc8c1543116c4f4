// The open clip: plays what lies between its ends, moves the ends, and knows the keys.
// `element` is the component, `trigger` and `watch` are Gradio's.
const shown = () => element.querySelector(".clip-figure");
const player = () => element.querySelector("audio");
const read = (figure) => ({
  start: Number(figure.dataset.start),
  stop: Number(figure.dataset.stop),
  whole: Number(figure.dataset.whole),
});
let until = null;
let opened = null;

function point() {
  const figure = shown(), audio = player();
  if (!figure || !audio) return;
  const cursor = figure.querySelector(".clip-cursor");
  cursor.style.left = `${(100 * audio.currentTime) / read(figure).whole}%`;
  cursor.classList.add("on");
  if (until !== null && audio.currentTime >= until) {
    until = null;
    audio.pause();
  }
  if (!audio.paused) requestAnimationFrame(point);
}

function play(from) {
  const figure = shown(), audio = player();
  if (!figure || !audio) return;
  if (audio.readyState < audio.HAVE_METADATA) {
    audio.addEventListener("loadedmetadata", () => play(from), { once: true });
    return;
  }
  const { start, stop } = read(figure);
  audio.currentTime = from ?? start;
  until = audio.currentTime < stop - 0.02 ? stop : null;
  audio.play().then(point, () => {});
}

function toggle() {
  const audio = player();
  if (audio && !audio.paused) audio.pause();
  else play(null);
}

// The ends. While one is moved only the picture follows; letting go decides.
function place(name, seconds) {
  const figure = shown(), at = read(figure);
  const least = name === "start" ? 0 : at.start + 0.05;
  const most = name === "start" ? at.stop - 0.05 : at.whole;
  const now = Math.min(most, Math.max(least, seconds));
  figure.dataset[name] = now;
  const handle = figure.querySelector(`.clip-end[data-end=${name}]`);
  handle.style.left = `${(100 * now) / at.whole}%`;
  handle.setAttribute("aria-valuenow", now.toFixed(2));
  const [before, after] = figure.querySelectorAll(".clip-out");
  const moved = read(figure);
  before.style.width = `${(100 * moved.start) / at.whole}%`;
  after.style.left = `${(100 * moved.stop) / at.whole}%`;
  const told = `${moved.start.toFixed(2)} – ${moved.stop.toFixed(2)} s`;
  figure.querySelector(".clip-times").textContent = told;
}

function decide() {
  const { start, stop } = read(shown());
  trigger("select", { value: { ends: [start, stop] } });
}

element.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".clip-end");
  if (!handle) return;
  const track = handle.parentElement, box = track.getBoundingClientRect();
  const name = handle.dataset.end, before = Number(shown().dataset[name]);
  handle.setPointerCapture(event.pointerId);
  const move = (now) => {
    place(name, ((now.clientX - box.left) / box.width) * read(shown()).whole);
  };
  const up = () => {
    handle.removeEventListener("pointermove", move);
    if (Math.abs(Number(shown().dataset[name]) - before) > 0.001) decide();
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", up, { once: true });
  handle.addEventListener("pointercancel", up, { once: true });
});

element.addEventListener("click", (event) => {
  if (event.target.closest(".clip-play")) return toggle();
  const track = event.target.closest(".clip-track");
  if (!track || event.target.closest(".clip-end")) return;
  const box = track.getBoundingClientRect();
  play(((event.clientX - box.left) / box.width) * read(shown()).whole);
});

element.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".clip-end");
  if (!handle) return;
  const step = { ArrowLeft: -0.01, ArrowRight: 0.01 }[event.key];
  if (step === undefined && event.key !== "Enter") return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Enter") return decide();
  const name = handle.dataset.end, far = event.shiftKey ? 10 : 1;
  place(name, Number(shown().dataset[name]) + far * step);
});

function split() {
  const figure = shown(), audio = player();
  if (!figure || !audio) return;
  const at = audio.currentTime - read(figure).start;
  trigger("select", { value: { split: Math.max(0, at) } });
}

// Keys by their place on the board, so that they work with an Ethiopic layout, too.
const press = (id) => {
  const button = document.querySelector(`#${id}`);
  (button?.matches("button") ? button : button?.querySelector("button"))?.click();
};
const KEYS = {
  Space: toggle,
  KeyJ: () => press("clip-next"),
  ArrowDown: () => press("clip-next"),
  KeyK: () => press("clip-previous"),
  ArrowUp: () => press("clip-previous"),
  KeyE: () => document.querySelector("#clip-text textarea")?.focus(),
  KeyA: () => press("clip-accept"),
  KeyR: () => press("clip-reject"),
  KeyS: split,
  KeyM: () => press("clip-merge"),
  KeyU: () => press("clip-undo"),
};

document.addEventListener("keydown", (event) => {
  if (!element.isConnected || element.offsetParent === null) return;
  const target = event.target;
  if (target.closest("#clip-text")) {
    if (event.key === "Escape") target.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      target.dispatchEvent(new Event("change", { bubbles: true }));
      setTimeout(() => press("clip-save"), 60);
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input, textarea, select, [contenteditable], [role=listbox], [role=tab]")) return;
  const act = KEYS[event.code];
  if (!act || (event.code === "Space" && target.closest("button:not(.clip-open)"))) return;
  event.preventDefault();
  act();
});

watch("value", () => {
  until = null;
  const figure = shown();
  const id = figure?.dataset.id ?? null;
  if (id !== null && opened !== null && id !== opened) play(null);
  opened = id;
});
