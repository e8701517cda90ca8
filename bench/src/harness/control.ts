import type { ChildProcess } from 'node:child_process';

/** What a workload may have done to the servers, by the process that owns them. */
export interface Control {
  /** What kinds of server can be killed. */
  readonly kinds: readonly Kind[];
  /** Kills one of a kind with SIGKILL; resolves with its name when it is gone. */
  kill(kind: Kind): Promise<string>;
  /** Starts one again that was killed; resolves when all servers are as well as they were before. */
  restart(name: string): Promise<void>;
}

/**
 * - `leader`: whom all writes must reach, or some: a data server of Rollcall, the leader of the others
 * - `edge`: one that clients are connected to and that decides nothing: a session server, a follower
 * - `meta`: who decides which server leads what, and is asked nothing else: the leader of Rollcall's meta servers
 */
export const KINDS = ['leader', 'edge', 'meta'] as const;
export type Kind = (typeof KINDS)[number];

/** From the process that makes the load to the one that owns the servers, and back. One at a time is under way. */
export type Ask = { type: 'kill'; id: number; kind: Kind } | { type: 'restart'; id: number; name: string };
export type Told = { type: 'told'; id: number; name: string } | { type: 'refused'; id: number; why: string };

/** Longer than any of these takes; who is ready by then is broken. */
const DEADLINE_MS = 120_000;

/** Does what is asked, and says what came of it; a failure too. */
export async function carryOut(control: Control | undefined, ask: Ask): Promise<Told> {
  const { id } = ask;
  try {
    if (!control) throw new Error('None of these servers may be killed.');
    if (ask.type === 'kill') return { type: 'told', id, name: await control.kill(ask.kind) };
    await control.restart(ask.name);
    return { type: 'told', id, name: ask.name };
  } catch (error) {
    return { type: 'refused', id, why: error instanceof Error ? error.message : String(error) };
  }
}

/** A message of the channel that asks for something; others are none of its affair. */
export function isAsk(message: unknown): message is Ask {
  const type = (message as { type?: unknown } | null)?.type;
  return type === 'kill' || type === 'restart';
}

/** Answers what the process that makes the load asks for, for as long as it lives. */
export function serveControl(child: ChildProcess, control: Control | undefined): void {
  child.on('message', (message) => {
    // Who has gone meanwhile is told nothing.
    if (isAsk(message)) void carryOut(control, message).then((told) => child.connected && child.send(told));
  });
}

/** The control of servers that another process owns. */
export class RemoteControl implements Control {
  private lastId = 0;
  private waiting: { id: number; settle: (told: Told) => void } | undefined;

  constructor(
    readonly kinds: readonly Kind[],
    private readonly send: (ask: Ask) => void,
  ) {}

  kill(kind: Kind): Promise<string> {
    return this.ask((id) => ({ type: 'kill', id, kind }));
  }

  async restart(name: string): Promise<void> {
    await this.ask((id) => ({ type: 'restart', id, name }));
  }

  /** What the other process has sent. An answer that comes too late is nobody's. */
  receive(told: Told): void {
    if (this.waiting?.id === told.id) this.waiting.settle(told);
  }

  private ask(make: (id: number) => Ask): Promise<string> {
    if (this.waiting) return Promise.reject(new Error('The servers are being asked for something already.'));
    const ask = make(++this.lastId);
    return new Promise((resolve, reject) => {
      const late = (): void => settle({ type: 'refused', id: ask.id, why: `No answer within ${DEADLINE_MS} ms.` });
      const timer = setTimeout(late, DEADLINE_MS);
      const settle = (told: Told): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        if (told.type === 'told') resolve(told.name);
        else reject(new Error(`${ask.type} of ${ask.type === 'kill' ? ask.kind : ask.name}: ${told.why}`));
      };
      this.waiting = { id: ask.id, settle };
      this.send(ask);
    });
  }
}
