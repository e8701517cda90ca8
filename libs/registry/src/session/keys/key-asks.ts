import { ETCD_CODES, type EtcdCode } from '#etcd';
import {
  ETCD_LEVEL,
  type KeyAsk,
  type KeyResult,
  type KeysFromData,
  type LinkId,
  type SlotAt,
  featureLevelOf,
} from '#model';
import type { RoutingTable } from '#model';
import type { SessionContext } from '../context.js';
import type { Slots } from '../slots.js';

const RETRY_MS = 50;

/** What one data server has answered, of these slots. */
export interface KeyPart {
  link: LinkId;
  slots: number[];
  revision: number;
  result: KeyResult;
}

export type KeyParts = { ok: true; parts: KeyPart[] } | { ok: false; code: EtcdCode };

export interface AskOptions {
  deadlineMs: number;
  /** It may be done twice, so it is sent again where an answer is lost. */
  isRepeatable: boolean;
  /** What is answered is at this revision at least. */
  atLeast?: number;
}

interface Open {
  link: LinkId;
  answered(message: Extract<KeysFromData, { kind: 'keysAnswer' }>): void;
  lost(): void;
}

/**
 * Questions about keys to the leaders of slots, one message to each data server. What a server does not lead any more has not
 * been done, and goes to the next leader, until the time for it is over.
 */
export class KeyAsks {
  /** The highest revision of which this server knows. */
  seen = 0;
  private readonly open = new Map<number, Open>();
  private isSupported = false;

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
  ) {}

  takeTable({ members }: RoutingTable): void {
    this.isSupported = members.every((member) => member.role !== 'data' || featureLevelOf(member) >= ETCD_LEVEL);
  }

  get isUnsupported(): boolean {
    return !this.isSupported;
  }

  ask(
    slots: number[],
    make: (at: SlotAt[]) => KeyAsk,
    { deadlineMs, isRepeatable, atLeast = 0 }: AskOptions,
    done: (parts: KeyParts) => void,
  ): void {
    const { context } = this;
    const untilMs = context.nowMs + deadlineMs;
    const parts: KeyPart[] = [];
    let missing = slots.length;
    let isOpen = true;
    const fail = (code: EtcdCode): void => {
      if (!isOpen) return;
      isOpen = false;
      done({ ok: false, code });
    };
    let mayBeDone = false;
    const attempt = (wanted: number[]): void => {
      if (!isOpen) return;
      if (context.nowMs >= untilMs) return fail(mayBeDone ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE');
      const again: number[] = [];
      for (const [link, of] of this.byLink(wanted, again)) {
        const at = of.map((slot): SlotAt => [slot, this.slots.all[slot]!.leaderEpoch]);
        mayBeDone ||= !isRepeatable;
        this.send(link, make(at), atLeast, {
          answered: ({ revision, result }) => {
            if (!isOpen) return;
            if (result.op === 'failed' && result.code === 'MOVED') {
              mayBeDone = false;
              return later(of);
            }
            if (result.op === 'failed') return fail(codeOf(result.code));
            parts.push({ link, slots: of, revision, result });
            missing -= of.length;
            if (missing > 0) return;
            isOpen = false;
            done({ ok: true, parts });
          },
          lost: () => (isRepeatable ? later(of) : fail('OUTCOME_UNKNOWN')),
        });
      }
      if (again.length > 0) later(again);
    };
    const later = (wanted: number[]): void => {
      if (isOpen) context.timers.at(Math.min(context.nowMs + RETRY_MS, untilMs), () => attempt(wanted));
    };
    attempt(slots);
    context.timers.at(untilMs, () => fail(mayBeDone ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE'));
  }

  /** One message, about one question. */
  send(link: LinkId, ask: KeyAsk, atLeast: number, answer: Pick<Open, 'answered' | 'lost'>): void {
    const requestId = this.context.nextRequestId();
    this.open.set(requestId, { link, ...answer });
    const { tableEpoch, self, wallMs } = this.context;
    const seen = Math.max(this.seen, atLeast);
    this.slots.links.send(link, { kind: 'keys', requestId, tableEpoch, seen, wallMs, zone: self.zone, ask });
  }

  answered(link: LinkId, message: Extract<KeysFromData, { kind: 'keysAnswer' }>): void {
    const open = this.open.get(message.requestId);
    if (open?.link !== link) return;
    this.open.delete(message.requestId);
    this.see(message.revision);
    if (message.tableEpoch > this.context.tableEpoch) this.slots.links.send(link, { kind: 'tableRequest' });
    open.answered(message);
  }

  see(revision: number): void {
    if (revision > this.seen) this.seen = revision;
  }

  linkGone(link: LinkId): void {
    for (const [requestId, open] of [...this.open]) {
      if (open.link !== link) continue;
      this.open.delete(requestId);
      open.lost();
    }
  }

  /** @param without those that nobody can be asked about just now */
  byLink(slots: number[], without: number[]): Map<LinkId, number[]> {
    const byLink = new Map<LinkId, number[]>();
    for (const slot of slots) {
      const { link } = this.slots.all[slot]!;
      if (link === undefined) {
        without.push(slot);
        continue;
      }
      const others = byLink.get(link);
      if (others) others.push(slot);
      else byLink.set(link, [slot]);
    }
    return byLink;
  }
}

function codeOf(code: string): EtcdCode {
  return Object.hasOwn(ETCD_CODES, code) ? (code as EtcdCode) : 'INTERNAL';
}
