/**
 * A clip before and after: two small videos in step under the slider's divider, with what a player has. Space plays it,
 * arrows go a second back or on, and it begins again at its end.
 *
 * The one in colour is the clock, and the other follows it. Nothing moves by itself where a visitor wants less motion,
 * and nothing is heard before the visitor asks for it.
 */

import { define, Element, inside } from './element';
import style from './player.css?inline';
import shared from './shared.css?inline';
import type { Slider } from './slider';
import './slider';

const STEP = 1; // seconds that an arrow goes
const FAR = 0.2; // seconds from which on the one that follows jumps; below, it goes a little faster or slower
const BUTTONS = 'button, input, [role=slider]'; // what keys do there is its own affair

const MARKUP = `
<lumachrome-slider></lumachrome-slider>
<div class="bar" role="group" data-label="player">
  <button type="button" class="play">
    <svg viewBox="0 0 16 16" aria-hidden="true"><path class="to-play" d="M4 2l9 6-9 6z" /><path class="to-pause" d="M4 2h3v12H4zM9 2h3v12H9z" /></svg>
  </button>
  <input type="range" class="seek" min="0" max="1" step="any" value="0" data-label="seek" />
  <span class="time" aria-hidden="true"></span>
  <button type="button" class="sound" data-word="sound" aria-pressed="false"></button>
</div>
<p class="said" role="status"></p>`;

function silent(): HTMLVideoElement {
  const video = document.createElement('video');
  video.muted = video.playsInline = video.loop = true;
  return video;
}

export class Player extends Element {
  readonly #slider = this.find<Slider>('lumachrome-slider');
  readonly #seek = this.find<HTMLInputElement>('.seek');
  readonly #before = silent();
  readonly #after = silent();
  #frame = 0; // of the screen, that is waited for

  constructor() {
    super(MARKUP, shared, style);
    this.#slider.room = this;
    this.#begin(1, 1);
    this.find('.play').onclick = () => this.toggle();
    this.find('.sound').onclick = () => {
      this.#after.muted = !this.#after.muted;
    };
    this.#seek.oninput = () => this.go(this.#seek.valueAsNumber);
    for (const event of ['play', 'pause', 'seeked', 'volumechange', 'durationchange', 'ended']) {
      this.#after.addEventListener(event, () => this.#draw());
    }
    this.#after.addEventListener('play', () => this.#follow());
    this.#after.addEventListener('pause', () => {
      this.#before.pause();
      this.#before.currentTime = this.#after.currentTime;
    });
    for (const video of [this.#before, this.#after]) {
      video.addEventListener('error', () => {
        if (video.getAttribute('src')) this.find('.said').textContent = this.word('video_unplayable');
      });
    }
    this.root.addEventListener('keydown', (event) => this.#key(event as KeyboardEvent));
  }

  disconnectedCallback(): void {
    this.#after.pause();
  }

  /** Two videos of the same frames, their width and height, and whether the second one has sound. */
  show(before: Blob, after: Blob, [width, height]: readonly [number, number], sound: boolean): void {
    this.clear();
    this.#begin(width, height);
    this.#before.src = URL.createObjectURL(before);
    this.#after.src = URL.createObjectURL(after);
    this.find('.sound').hidden = !sound;
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) this.toggle();
  }

  /** Another clip, in the same two videos. */
  #begin(width: number, height: number): void {
    this.#slider.begin(width, height);
    void this.#slider.show('before', this.#before);
    void this.#slider.show('after', this.#after);
  }

  /** Stop, and let go of what was shown. */
  clear(): void {
    this.find('.said').textContent = '';
    this.#after.muted = true;
    for (const video of [this.#after, this.#before]) {
      video.pause();
      URL.revokeObjectURL(video.src);
      video.removeAttribute('src');
      video.load();
    }
  }

  toggle(): void {
    if (this.#after.paused) void this.#after.play().catch(() => this.#draw());
    else this.#after.pause();
  }

  /** Show another place of the clip, in seconds. */
  go(seconds: number): void {
    const place = inside(seconds, 0, this.#after.duration || 0);
    for (const video of [this.#after, this.#before]) video.currentTime = place;
  }

  protected override spoken(): void {
    this.#slider.words = {
      ...this.say,
      before_alt: this.word('video_before_alt'),
      after_alt: this.word('video_after_alt'),
      picture: this.word('video_picture'),
      zoom_toggle: this.word('video_zoom_toggle'),
    };
    this.#draw();
  }

  /** Keep the two in step as long as they play. */
  #follow(): void {
    if (!this.checkVisibility()) this.#after.pause(); // another tab of the page was opened
    if (this.#after.paused) return;
    if (this.#before.paused) void this.#before.play().catch(() => undefined);
    const ahead = this.#before.currentTime - this.#after.currentTime;
    if (Math.abs(ahead) > FAR) this.#before.currentTime = this.#after.currentTime;
    this.#before.playbackRate = 1 - inside(2 * ahead, -0.2, 0.2);
    this.#draw();
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#follow());
  }

  #draw(): void {
    const { currentTime, duration, paused, muted } = this.#after;
    const all = Number.isFinite(duration) ? duration : 0;
    const button = this.find('.play');
    button.classList.toggle('plays', !paused);
    button.title = this.word(paused ? 'play' : 'pause');
    button.setAttribute('aria-label', button.title);
    this.#seek.max = String(all || 1);
    this.#seek.value = String(currentTime);
    this.#seek.setAttribute('aria-valuetext', this.word('playing_time', { time: clock(currentTime), all: clock(all) }));
    this.find('.time').textContent = `${clock(currentTime)} / ${clock(all)}`;
    this.find('.sound').setAttribute('aria-pressed', String(!muted));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = event.composedPath()[0];
    if (from instanceof HTMLElement && from.matches(BUTTONS)) return;
    if (event.key === ' ') this.toggle();
    else if (event.key === 'ArrowLeft') this.go(this.#after.currentTime - STEP);
    else if (event.key === 'ArrowRight') this.go(this.#after.currentTime + STEP);
    else return;
    event.preventDefault();
  }
}

/** Seconds as a player shows them: 1:05. */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

define('lumachrome-player', Player);
