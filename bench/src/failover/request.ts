import { Agent, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Node } from '../cluster.js';

/** A node that was killed in the middle of an answer says nothing more. */
const ANSWER_MS = 1_000;

/** Connections are kept; `fetch` would cost a write more than it costs the servers, on the cores that are measured. */
const agent = new Agent({ keepAlive: true, noDelay: true });

/** The answer, or undefined for any other than a success. */
export function request(node: Node, method: string, path: string, body?: object): Promise<unknown> {
  const json = body && JSON.stringify(body);
  const headers = json === undefined ? {} : { 'content-type': 'application/json', 'content-length': json.length };
  return new Promise((resolve) => {
    const nothing = (): void => resolve(undefined);
    const sent = send(`http://${node.httpAddress}${path}`, { agent, method, headers, timeout: ANSWER_MS }, (answer) => {
      text(answer).then(
        (all) => resolve(Math.floor(answer.statusCode! / 100) === 2 ? JSON.parse(all) : undefined),
        nothing,
      );
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', nothing);
    sent.end(json);
  });
}

export function endConnections(): void {
  agent.destroy();
}
