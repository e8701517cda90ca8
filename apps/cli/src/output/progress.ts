import type { Terminal } from '../terminal.js';
import { harmless } from './paint.js';

const REPEAT_MS = 10_000;

/**
 * How far something is that takes long, beside what is printed in the end. On a terminal one line that changes; elsewhere a
 * line when something new is told, and once in a while when not.
 */
export class Progress {
  private shown = '';
  private shownAtMs = -Infinity;

  constructor(
    private readonly terminal: Terminal,
    private readonly isQuiet: boolean,
    private readonly nowMs = () => performance.now(),
  ) {}

  tell(text: string): void {
    const line = harmless(text);
    if (this.isQuiet) return;
    if (this.terminal.errIsTty) {
      if (line !== this.shown) this.terminal.err(`\r\u001b[2K${line}`);
      this.shown = line;
    } else if (line !== this.shown || this.nowMs() - this.shownAtMs >= REPEAT_MS) {
      this.terminal.err(`${line}\n`);
      this.shown = line;
      this.shownAtMs = this.nowMs();
    }
  }

  /** The line is over; what is printed next begins where it stood. */
  end(): void {
    if (this.terminal.errIsTty && this.shown !== '') this.terminal.err('\r\u001b[2K');
    this.shown = '';
  }
}
