import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Failure, isPlainObject } from '#model';
import { Refused, Unreachable, reasonOf } from '../failures.js';

export interface ApiOptions {
  /** Sent as a bearer token. */
  token?: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Answers that say: not now. What was asked has not been done, or is done once when it is asked again with its key. */
const AGAIN: ReadonlySet<string> = new Set(['NO_LEADER', 'NOT_READY', 'NOT_DURABLE', 'OUTCOME_UNKNOWN']);
const PAUSE_MS = 200;

/** The REST interface of one server. */
export class Api {
  /** @param base such as `http://127.0.0.1:9615` */
  constructor(
    readonly base: string,
    private readonly options: ApiOptions,
  ) {}

  /** The same for what is to be done after Ctrl-C. */
  unsignalled(): Api {
    return new Api(this.base, { ...this.options, signal: new AbortController().signal });
  }

  /** @throws Refused, Unreachable */
  async get<T>(path: string, query: Query = {}, timeoutMs?: number): Promise<T> {
    return (await this.json('GET', path, { query, timeoutMs })) as T;
  }

  async getBytes(path: string, query: Query = {}): Promise<Uint8Array> {
    const response = await this.send('GET', path, { query });
    return new Uint8Array(await this.read(response.arrayBuffer()));
  }

  async getText(path: string): Promise<string> {
    const response = await this.send('GET', path, {});
    return this.read(response.text());
  }

  /**
   * Changes something. Its key makes it one change, however often it is asked; so it is asked again while there is no
   * leader, and when the answer was lost.
   */
  async change<T>(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object, query: Query = {}): Promise<T> {
    const headers = { 'idempotency-key': `rollcall-${randomUUID()}` };
    const deadlineMs = performance.now() + this.options.timeoutMs;
    for (;;) {
      try {
        return (await this.json(method, path, { query, body, headers })) as T;
      } catch (error) {
        const mayRepeat = error instanceof Refused && AGAIN.has(error.code) && performance.now() < deadlineMs;
        if (!mayRepeat) throw error;
        await setTimeout(PAUSE_MS, undefined, { signal: this.options.signal });
      }
    }
  }

  /** Asks once: for what must not be done twice, and has no key. */
  async once<T>(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object, query: Query = {}): Promise<T> {
    return (await this.json(method, path, { query, body })) as T;
  }

  /** A stream of server-sent events, without end. */
  async stream(
    path: string,
    query: Query | URLSearchParams,
    headers: Record<string, string>,
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await this.send('GET', path, { query, headers, isStream: true });
    return response.body!;
  }

  private async json(method: string, path: string, request: Request): Promise<unknown> {
    const response = await this.send(method, path, request);
    const text = await this.read(response.text());
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  private async send(method: string, path: string, request: Request): Promise<Response> {
    const { query = {}, body, headers = {}, isStream = false, timeoutMs = this.options.timeoutMs } = request;
    const { token } = this.options;
    const url = new URL(this.base + path);
    if (query instanceof URLSearchParams) url.search = query.toString();
    else
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) url.searchParams.set(name, String(value));
    const deadline = new AbortController();
    const timer = globalThis.setTimeout(() => deadline.abort(new DOMException('Timeout', 'TimeoutError')), timeoutMs);
    // The deadline is for the whole answer, but a stream has none once it has begun.
    if (!isStream) timer.unref();
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([this.options.signal, deadline.signal]),
      });
      if (!response.ok) throw new Refused(response.status, failureIn(await response.text()), this.base);
      return response;
    } catch (error) {
      throw this.failed(error);
    } finally {
      if (isStream) clearTimeout(timer);
    }
  }

  private async read<T>(content: Promise<T>): Promise<T> {
    return content.catch((error: unknown) => {
      throw this.failed(error);
    });
  }

  private failed(error: unknown): unknown {
    if (error instanceof Refused || this.options.signal.aborted) return error;
    return new Unreachable(this.base, reasonOf(error));
  }
}

interface Request {
  query?: Query | URLSearchParams;
  body?: object | undefined;
  headers?: Record<string, string>;
  isStream?: boolean;
  timeoutMs?: number | undefined;
}

function failureIn(text: string): Partial<Failure> {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? (value as Partial<Failure>) : {};
  } catch {
    return {};
  }
}
