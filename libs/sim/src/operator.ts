import { persistentRegisterId } from '#model';
import type { SimPublisher } from './application.js';
import { SimCurl } from './raw-client.js';

const RETRY_MS = 200;

/**
 * Somebody who keeps persistent publications over HTTP, and insists: what is refused is asked for again, through any
 * session server, before anything else of the same publication is.
 */
export class SimOperator extends SimCurl {
  /** Publications whose latest word has not been acknowledged. */
  readonly open = new Set<SimPublisher>();

  persist(dataInfoId: string, dataId: string, first: string[]): SimPublisher {
    const ownId = `${this.name}-${this.publishers.length + 1}`;
    const publisher: SimPublisher = {
      client: this,
      registerId: persistentRegisterId(dataInfoId, ownId),
      dataInfoId,
      zone: 'DEFAULT_ZONE',
      data: undefined,
      outcomes: [],
      republish: (data) => say(data),
      unpublish: () => say(undefined),
    };
    const say = (data: string[] | undefined): void => {
      if (this.open.has(publisher)) return;
      publisher.data = data;
      this.open.add(publisher);
      this.note(`${data ? `persists ${JSON.stringify(data)} as` : 'removes'} ${ownId} of ${dataId}`);
      attempt();
    };
    const attempt = (): void => {
      const { data } = publisher;
      const [pattern, payload] = data
        ? ['http.publish', { dataId, registerId: ownId, data, persistent: true }]
        : ['http.unpublish', { registerId: publisher.registerId }];
      this.ask(pattern as string, payload as object, ({ ok }) => {
        if (!ok) return this.after(RETRY_MS, attempt);
        this.open.delete(publisher);
        publisher.outcomes.push({ ok: true, stored: true });
      });
    };
    this.publishers.push(publisher);
    say(first);
    return publisher;
  }
}
