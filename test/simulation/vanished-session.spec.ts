import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };

describe('the machine of a session server that vanishes, with the real brains', () => {
  it.each([1, 2, 3, 4, 5, 6])('shows nobody a list without its clients, who notice late (seed %i)', (seed) => {
    const cluster = watched({ seed, data: 3, sessions: 3, clients: 6 });
    cluster.story(() => {
      const watchers = cluster.clients.map((client) => {
        client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
        return client.subscribe(SERVICE);
      });
      cluster.untilConverged();
      const shown = watchers.map((watcher) => watcher.shown.length);
      cluster.kill('session-1', 'vanish');
      cluster.run(40_000);
      cluster.untilConverged();
      for (const [i, watcher] of watchers.entries())
        for (const { snapshot } of watcher.shown.slice(shown[i])) expect(snapshot.publishers).toHaveLength(6);
    });
  });
});
