import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../scripts/lib/cluster.mjs';
import { GO_TIMEOUT_MS, go, lacksGo } from '../support/go.js';

const FOLDER = fileURLToPath(new URL('../../integrations/kitex', import.meta.url));

const why = lacksGo();
(why === undefined ? describe : describe.skip)(`the extension for Kitex${why === undefined ? '' : ` (${why})`}`, () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-kitex-'));
    cluster = await Cluster.open({ dir: folder, meta: 1, data: 2, session: 2, basePort: 0 });
    await cluster.start();
  }, GO_TIMEOUT_MS);

  afterAll(async () => {
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
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
