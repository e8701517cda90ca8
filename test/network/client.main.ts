import { get as httpGet } from 'node:http';
import { RegistryClient, type Subscriber } from '#client';

/**
 * The clients of one host, as a process of their own: `node client.main.js SEED...`. Whoever started it sends requests
 * `{id, ask, ...}` and is sent answers, `{id, answer}` or `{id, error}`.
 */
type Request =
  | { id: number; ask: 'publish'; dataId: string; value: string }
  | { id: number; ask: 'watch'; dataId: string }
  /** What each watched name shows now, and what anybody here was shown without while it should have been there. */
  | { id: number; ask: 'views' }
  | { id: number; ask: 'keep'; values: string[] }
  /** The address of the session server that the client is connected to, or was last. */
  | { id: number; ask: 'session' }
  | { id: number; ask: 'get'; url: string };

const GET_MS = 1_000;

const client = new RegistryClient({ seeds: process.argv.slice(2) });
let session: unknown;
client.on('log', ({ event, fields }) => {
  if (event === 'connected') session = fields?.['address'];
});
const subscribers = new Map<string, Subscriber>();
/** These live and are reachable: a list that had one must not lose it. */
let kept = new Set<string>();
const missed: string[] = [];

async function answer(request: Request): Promise<unknown> {
  switch (request.ask) {
    case 'publish':
      await client.publish({ dataId: request.dataId, data: [request.value] });
      return {};
    case 'watch': {
      const { dataId } = request;
      let before = new Set<string>();
      const subscriber = client.subscribe({ dataId }, ({ publishers }) => {
        const now = new Set(publishers.map(({ data }) => data[0]!));
        for (const value of before) if (kept.has(value) && !now.has(value)) missed.push(`${dataId}: ${value}`);
        before = now;
      });
      subscribers.set(dataId, subscriber);
      await subscriber.ready();
      return {};
    }
    case 'views': {
      const views: Record<string, string[]> = {};
      for (const [dataId, subscriber] of subscribers)
        views[dataId] = subscriber
          .current()
          .publishers.map(({ data }) => data[0]!)
          .toSorted();
      return { views, missed };
    }
    case 'keep':
      kept = new Set(request.values);
      return {};
    case 'session':
      return session;
    case 'get':
      return get(request.url);
  }
}

/** Over a connection of its own, so that none that was cut is used again. */
function get(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = httpGet(url, { agent: false, timeout: GET_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`));
      });
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url} did not answer within ${GET_MS} ms`)));
    asked.on('error', reject);
  });
}

process.on('message', (request: Request) => {
  answer(request).then(
    (result) => process.send!({ id: request.id, answer: result }),
    (error: unknown) => process.send!({ id: request.id, error: String(error) }),
  );
});
// Whoever asks is gone.
process.on('disconnect', () => process.exit(0));
