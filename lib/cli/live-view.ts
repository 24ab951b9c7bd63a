import { stripVTControlCharacters } from 'node:util';
import type { WriteStream } from 'node:tty';
import { Format } from 'cli-progress';
import type { PreviewImage, ProgressUpdate } from '../index';
import { type ColourDepth, renderPreview, type Space } from './preview-view';
import { phaseLabel, type ProgressView } from './progress-view';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** A terminal that knows these shows a frame at once; others ignore them. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
/** Lines of the frame are cut where they are too long. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
/** A screen of its own, without history; the cursor of the usual one is kept. */
const OWN_SCREEN = '\u001b[?1049h';
const USUAL_SCREEN = '\u001b[?1049l';
const CLEAR_SCREEN = '\u001b[H\u001b[2J';

const FRAME_MS = 50;
/** Lines that a picture leaves to everything else. */
const OTHER_ROWS = 6;
const LABEL_WIDTH = 18;
const MIN_BAR = 8;

interface Line {
  readonly text: string;
  readonly width: number;
}

/** These end or stop the process while the terminal shows the view's own screen. */
const LEAVING = ['SIGTERM', 'SIGHUP'] as const;

/**
 * For terminals: the latest preview, a bar and a line of status, drawn in place.
 *
 * A terminal that becomes narrower wraps what stands in it and pushes the rest into its history, where nothing can be
 * erased. So pictures are drawn on the terminal's other screen, which has neither; the usual one gets the last of them
 * and all lines at the end.
 */
export class LiveView implements ProgressView {
  readonly #output: WriteStream;
  /** Null where the terminal has no colours, or none are wanted. */
  readonly #depth: ColourDepth | null;
  readonly #showPreview: boolean;
  readonly #started = Date.now();
  readonly #clock: NodeJS.Timeout;
  readonly #onResize = (): void => this.#draw();
  readonly #onExit = (): void => {
    this.#comeBack();
    this.#output.write(`${this.#linesAbove}${SHOW_CURSOR}`);
  };
  readonly #onLeaving = (signal: NodeJS.Signals): void => {
    this.#onExit();
    for (const each of LEAVING) process.off(each, this.#onLeaving);
    process.kill(process.pid, signal);
  };
  readonly #onStop = (): void => {
    this.#onExit();
    this.#linesAbove = '';
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #onContinue = (): void => {
    this.#output.write(HIDE_CURSOR);
    this.#draw();
  };

  #label = 'Starting';
  #percent = 0;
  #steps = '';
  #status = '';
  /** Lines that stay, until they are written above the next frame. */
  #linesAbove = '';
  #image: PreviewImage | undefined;
  #picture: { readonly lines: readonly string[]; readonly columns: number; readonly rows: number } | undefined;
  /** Those that stand on the view's own screen alone. */
  #linesApart = '';
  /** The widths of the lines that stand on the screen. */
  #drawn: readonly number[] = [];
  /** The terminal's size when they were drawn. */
  #drawnIn: Space | undefined;
  #isApart = false;
  #hearsSignals = false;
  #hasEnded = false;
  #drawnAt = 0;
  #pending: NodeJS.Timeout | undefined;

  constructor(output: WriteStream, options: { readonly preview: boolean }) {
    this.#output = output;
    this.#depth = colourDepth(output);
    this.#showPreview = options.preview && this.#depth !== null;
    output.write(HIDE_CURSOR);
    process.once('exit', this.#onExit);
    output.on('resize', this.#onResize);
    // The elapsed time goes on while WanGP says nothing.
    this.#clock = setInterval(() => this.#draw(), 1000).unref();
    this.#draw();
  }

  progress(update: ProgressUpdate): void {
    this.#label = phaseLabel(update);
    this.#percent = Math.max(0, Math.min(100, update.progress));
    this.#steps = update.totalSteps === null ? '' : `${update.currentStep ?? 0}/${update.totalSteps}`;
    this.status(update.status);
  }

  status(text: string): void {
    this.#status = stripVTControlCharacters(text).replace(/\s+/g, ' ');
    this.#drawSoon();
  }

  preview(image: PreviewImage): void {
    this.#image = image;
    this.#picture = undefined;
    this.#drawSoon();
  }

  line(text: string): void {
    this.#linesAbove += `${stripVTControlCharacters(text)}\n`;
    this.#drawSoon();
  }

  end(outcome: string, complete: boolean): void {
    this.#label = outcome;
    if (complete) this.#percent = 100;
    this.#steps = '';
    this.#status = '';
    this.#hasEnded = true;
    this.#comeBack();
    this.#draw();
    clearInterval(this.#clock);
    this.#output.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
    for (const signal of LEAVING) process.off(signal, this.#onLeaving);
    process.off('SIGTSTP', this.#onStop).off('SIGCONT', this.#onContinue);
    this.#output.write(SHOW_CURSOR);
  }

  #drawSoon(): void {
    const wait = FRAME_MS - (performance.now() - this.#drawnAt);
    if (wait <= 0) this.#draw();
    else this.#pending ??= setTimeout(() => this.#draw(), wait).unref();
  }

  #draw(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    const picture = this.#pictureLines();
    const lines = [...picture, this.#barLine(), ...this.#statusLine()];
    if (picture.length > 0 && !this.#isApart && !this.#hasEnded) this.#stepAside();
    const frame = lines.map((line) => `${line.text}${CLEAR_REST_OF_LINE}\n`).join('');
    const above = this.#linesAbove === '' ? '' : `${CLEAR_BELOW}${WRAP}${this.#linesAbove}${NO_WRAP}`;
    this.#output.write(`${BEGIN_FRAME}${NO_WRAP}${this.#toTop()}${above}${frame}${CLEAR_BELOW}${WRAP}${END_FRAME}`);
    if (this.#isApart) this.#linesApart += this.#linesAbove;
    this.#linesAbove = '';
    this.#drawn = lines.map((line) => line.width);
    this.#drawnIn = this.#size;
    this.#drawnAt = performance.now();
  }

  /** To the view's own screen. */
  #stepAside(): void {
    this.#output.write(`${this.#toTop()}${CLEAR_BELOW}${OWN_SCREEN}${CLEAR_SCREEN}`);
    this.#isApart = true;
    this.#drawn = [];
    if (this.#hearsSignals) return;
    this.#hearsSignals = true;
    for (const signal of LEAVING) process.on(signal, this.#onLeaving);
    process.on('SIGTSTP', this.#onStop).on('SIGCONT', this.#onContinue);
  }

  /** To the usual screen, where what was said meanwhile is still to be written. */
  #comeBack(): void {
    if (!this.#isApart) return;
    this.#output.write(USUAL_SCREEN);
    this.#isApart = false;
    this.#drawn = [];
    this.#linesAbove = this.#linesApart + this.#linesAbove;
    this.#linesApart = '';
  }

  /** To the start of what was drawn, which is gone afterwards where the terminal has another size by now. */
  #toTop(): string {
    const { columns, rows } = this.#size;
    const isResized = this.#drawnIn !== undefined && (this.#drawnIn.columns !== columns || this.#drawnIn.rows !== rows);
    if (isResized && this.#isApart) return CLEAR_SCREEN;
    // Written over, a row that was wrapped would be joined to the next one when the terminal becomes wider again.
    return `${this.#upwards()}${isResized ? CLEAR_BELOW : ''}`;
  }

  /** Over what was drawn; a terminal that became narrower has wrapped its lines. */
  #upwards(): string {
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / this.#size.columns)), 0);
    return rows === 0 ? '\r' : `\r\u001b[${rows}A`;
  }

  /** A terminal that doesn't know its size says 0. */
  get #size(): Space {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  /** The last column stays free: in it, clearing the rest of the line would take a character away. */
  get #columns(): number {
    return Math.max(1, this.#size.columns - 1);
  }

  #pictureLines(): readonly Line[] {
    const columns = this.#columns;
    const rows = this.#size.rows - OTHER_ROWS;
    if (!this.#showPreview || this.#depth === null || this.#image === undefined || rows < 1) return [];
    if (this.#picture?.columns !== columns || this.#picture.rows !== rows) {
      this.#picture = { lines: renderPreview(this.#image, { columns, rows }, this.#depth), columns, rows };
    }
    return this.#picture.lines.map((text) => ({ text, width: stripVTControlCharacters(text).length }));
  }

  #barLine(): Line {
    const label = this.#label.slice(0, LABEL_WIDTH).padEnd(LABEL_WIDTH);
    const percent = `${Math.round(this.#percent)}`.padStart(3);
    const elapsed = formatSeconds((Date.now() - this.#started) / 1000);
    const around = `${label}  ${percent} %  ${this.#steps.padEnd(5)}  ${elapsed}`.length;
    const size = this.#columns - around;
    const text = `${label} ${size < MIN_BAR ? '' : this.#bar(size)} ${percent} %  ${this.#steps.padEnd(5)}  ${elapsed}`;
    return { text, width: Math.min(stripVTControlCharacters(text).length, this.#columns) };
  }

  #bar(size: number): string {
    return Format.BarFormat(this.#percent / 100, {
      barsize: size,
      barCompleteString: '█'.repeat(size),
      barIncompleteString: '░'.repeat(size),
      barGlue: '',
    });
  }

  #statusLine(): readonly Line[] {
    if (this.#status === '') return [];
    const text = this.#status.slice(0, this.#columns);
    return [{ text: this.#depth === null ? text : `\u001b[2m${text}\u001b[0m`, width: text.length }];
  }
}

/** Node knows NO_COLOR and most terminals, but gives tmux no more than 256 colours, whatever COLORTERM says. */
function colourDepth(output: WriteStream): ColourDepth | null {
  const depth = output.getColorDepth();
  if (depth === 1) return null;
  return depth === 24 || /^(truecolor|24bit)$/.test(process.env['COLORTERM'] ?? '') ? 24 : 8;
}

function formatSeconds(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}
