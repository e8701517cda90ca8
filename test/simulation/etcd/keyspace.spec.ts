import { etcdContract } from '#etcd/testing';
import { type Cluster } from '#sim';
import { watched } from '../watched.js';

let seed = 0;
let cluster: Cluster;

/** A cluster of three data servers, whose clients call one of its two session servers. */
function makeCluster(): Cluster {
  cluster = watched({ seed: ++seed, data: 3, sessions: 2, clients: 0 });
  const isServing = (): boolean =>
    cluster.sessions.every((session) => session.core && session.keyStore(() => {}).status().isServing);
  cluster.until('the servers serve', isServing, 20_000);
  // The slots are spread over the servers first: who begins to lead one remembers nothing of what was before.
  cluster.run(5_000);
  return cluster;
}

etcdContract('The keyspace over slots', {
  makeStore: () => {
    const { sessions } = makeCluster();
    return sessions[0]!.keyStore((isAnswered) => cluster.until('a call is answered', isAnswered, 20_000));
  },
  advance: async (ms) => {
    cluster.run(ms);
    await Promise.resolve();
  },
  until: async (holds) => {
    // What the store tells waits for the end of the turn in which the watch was made.
    for (let turn = 0; turn < 2_000 && !holds(); turn++) {
      cluster.run(5);
      // oxlint-disable-next-line no-await-in-loop -- time passes between looks
      await Promise.resolve();
    }
    if (!holds()) throw new Error('It never came to hold.');
  },
});
