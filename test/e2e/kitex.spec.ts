import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { GO_TIMEOUT_MS, go, lacksGo } from '../support/go.js';

const FOLDER = fileURLToPath(new URL('../../integrations/kitex', import.meta.url));

const why = lacksGo();
(why === undefined ? describe : describe.skip)(`the extension for Kitex${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ meta: 1, data: 2, session: 2 });
  }, GO_TIMEOUT_MS);

  afterAll(async () => {
    await endCluster(cluster);
  });

  it(
    'passes its own tests, of which some register and resolve here',
    async () => {
      const addresses = cluster.of('session').map(({ httpAddress }) => httpAddress);
      const vetted = await go(FOLDER, ['vet', './...']);
      expect(vetted).toMatchObject({ code: 0 });
      const { code, output } = await go(FOLDER, ['test', '-count=1', '-v', './...'], {
        ROLLCALL_ADDRESSES: addresses.join(','),
      });
      expect(output).toContain('--- PASS: TestLiveWhatRegistersIsFoundAndLeaves');
      expect(output).not.toMatch(/^\s*--- (FAIL|SKIP)/m);
      expect(code).toBe(0);
    },
    GO_TIMEOUT_MS,
  );
});
