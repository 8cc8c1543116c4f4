// The figure of the Phonemes page. `element` is the component, `trigger` and `watch` are Gradio's.
// One player for everything: a click on a phone plays its slice, a click on a picture plays on
// from there, and other parts of the page ask for a slice with the event `hear`.
const player = () => element.querySelector("audio");
const shown = () => {
  const figure = element.querySelector(".ph-figure");
  return figure ? { start: Number(figure.dataset.start), end: Number(figure.dataset.end) } : null;
};
let until = null; // where the slice ends, in seconds of the recording
let waiting = null; // a slice of another stretch, played once that one is here

function point() {
  const audio = player(), stretch = shown();
  const cursor = element.querySelector(".ph-cursor");
  if (!audio || !stretch || !cursor) return;
  const at = audio.currentTime / (stretch.end - stretch.start);
  cursor.style.setProperty("--at", Math.min(1, at));
  cursor.classList.toggle("on", !audio.paused || at > 0);
  if (until !== null && audio.currentTime + stretch.start >= until) {
    until = null;
    audio.pause();
  }
  if (!audio.paused) requestAnimationFrame(point);
}

function play(start, end) {
  const audio = player(), stretch = shown();
  if (!audio || !stretch) return;
  if (start < stretch.start - 0.001 || start >= stretch.end) {
    waiting = [start, end];
    trigger("select", { value: start });
    return;
  }
  if (audio.readyState < audio.HAVE_METADATA) {
    // It has just come; a seek would be forgotten.
    audio.addEventListener("loadedmetadata", () => play(start, end), { once: true });
    return;
  }
  audio.pause();
  until = end;
  audio.currentTime = Math.max(0, start - stretch.start);
  audio.play().then(point, () => {});
}

element.addEventListener("hear", (event) => play(event.detail.start, event.detail.end));
for (const name of ["play", "seeked", "pause"]) element.addEventListener(name, point, true);

element.addEventListener("click", (event) => {
  const phone = event.target.closest(".ph-phone");
  if (phone) {
    element.querySelectorAll(".ph-phone.now").forEach((one) => one.classList.remove("now"));
    phone.classList.add("now");
    play(Number(phone.dataset.start), Number(phone.dataset.end));
    return;
  }
  const track = event.target.closest("[data-seek]"), stretch = shown();
  if (!track || !stretch) return;
  const box = track.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  play(stretch.start + share * (stretch.end - stretch.start), null);
});

element.addEventListener("keydown", (event) => {
  const phone = event.target.closest(".ph-phone");
  if (!phone) return;
  const all = [...element.querySelectorAll(".ph-phone")];
  const last = all.length - 1, here = all.indexOf(phone);
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: last }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const target = all[Math.min(last, Math.max(0, next))];
  phone.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

watch("value", () => {
  until = null;
  if (waiting) {
    const [start, end] = waiting;
    waiting = null;
    play(start, end);
  }
});
