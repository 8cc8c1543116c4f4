// The Speak page's sound: plays it while it is made, then the whole, by sentences.
// `element` is the component, `trigger` and `watch` are Gradio's.
const LEAD = 0.6; // seconds
let context = null;
let live = { speech: null, next: 0, at: 0 };
let until = null;

const figure = () => element.querySelector(".speak-figure");
const player = () => element.querySelector("audio");

function samples(coded) {
  const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const whole = new Int16Array(bytes.buffer);
  return Float32Array.from(whole, (value) => value / 32768);
}

// Stretches of sound are played one right after the other; each has a number and is taken once.
function listen() {
  const box = element.querySelector(".speak-live");
  if (!box) return;
  if (box.dataset.speech !== live.speech) {
    silence();
    live = { speech: box.dataset.speech, next: 0, at: 0 };
    context = new AudioContext();
    element.dataset.live = "on";
  }
  for (const part of box.querySelectorAll("i")) {
    const number = Number(part.dataset.n);
    if (number < live.next || !context) continue;
    live.next = number + 1;
    const sound = samples(part.dataset.pcm);
    if (!sound.length) continue;
    const buffer = context.createBuffer(1, sound.length, Number(part.dataset.rate));
    buffer.copyToChannel(sound, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    // Later at first, and again after a gap, so that the next stretches have time to come.
    if (live.at < context.currentTime) live.at = context.currentTime + LEAD;
    source.start(live.at);
    live.at += buffer.duration;
    element.dataset.played = (Number(element.dataset.played ?? 0) + sound.length).toString();
  }
}

function silence() {
  context?.close();
  context = null;
  delete element.dataset.live;
}

function point() {
  const box = figure(), audio = player();
  if (!box || !audio) return;
  const whole = Number(box.dataset.whole), now = audio.currentTime;
  const cursor = box.querySelector(".speak-cursor");
  cursor.style.left = `${(100 * now) / whole}%`;
  cursor.classList.add("on");
  box.querySelector(".speak-time").textContent = `${now.toFixed(1)} / ${whole.toFixed(1)} s`;
  for (const line of box.querySelectorAll("li[data-start]")) {
    const inside = now >= Number(line.dataset.start) && now < Number(line.dataset.stop);
    line.classList.toggle("speak-now", inside && !audio.paused);
  }
  if (until !== null && now >= until) {
    until = null;
    audio.pause();
  }
  if (!audio.paused) requestAnimationFrame(point);
}

function play(start, stop) {
  const audio = player();
  if (!audio) return;
  silence();
  if (audio.readyState < audio.HAVE_METADATA) {
    audio.addEventListener("loadedmetadata", () => play(start, stop), { once: true });
    return;
  }
  if (start !== null) audio.currentTime = start;
  until = stop;
  audio.play().then(point, () => {});
}

element.addEventListener("click", (event) => {
  const again = event.target.closest(".speak-again");
  if (again) {
    trigger("select", { value: { again: Number(again.dataset.number) } });
    return;
  }
  const audio = player();
  if (event.target.closest(".speak-play")) {
    if (audio && !audio.paused) audio.pause();
    else play(audio?.ended ? 0 : null, null);
    return;
  }
  const one = event.target.closest(".speak-mark, .speak-text")?.closest("[data-start]");
  if (one) return play(Number(one.dataset.start), Number(one.dataset.stop));
  const track = event.target.closest(".speak-track");
  if (!track) return;
  const box = track.getBoundingClientRect();
  play(((event.clientX - box.left) / box.width) * Number(figure().dataset.whole), null);
});

watch("value", () => {
  listen();
  if (!element.querySelector(".speak-live") && !figure()) silence();
  until = null;
});
