import { type LogEffect, logged } from '#model';

/** Says once when some slots led here become partial, and once when all are complete again. */
export class CompletenessLog {
  private hasPartial = false;

  note(partial: number, overdue: number, leading: number): LogEffect[] {
    const had = this.hasPartial;
    this.hasPartial = partial > 0;
    if (had === this.hasPartial) return [];
    return had
      ? [logged('info', 'slots-complete', { leading })]
      : [logged('info', 'slots-partial', { partial, overdue })];
  }
}
