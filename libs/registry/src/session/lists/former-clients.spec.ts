import type { Connection } from '../connections.js';
import { FormerClients } from './former-clients.js';

const connection = (id: number, fields: Partial<Connection> = {}): Connection => ({
  ...{ id, address: `c${id}`, isShared: false, appName: 'shop', zone: 'z', connectedAtMs: 0, heardAtMs: 0 },
  ...{ hasGreeted: true, isWelcomed: true, isAdmitted: true, isMoved: false, isLost: true },
  ...fields,
});

describe('former clients', () => {
  it('are the latest that were served, a bounded number of them', () => {
    const former = new FormerClients();
    for (let id = 1; id <= 5_002; id++) former.add(connection(id));
    expect([1, 2, 3, 5_002].map((id) => former.get(id))).toEqual([
      undefined,
      undefined,
      { connection: 3, address: 'c3', appName: 'shop' },
      { connection: 5_002, address: 'c5002', appName: 'shop' },
    ]);
  });

  it('are none that were not let in', () => {
    const former = new FormerClients();
    former.add(connection(1, { isAdmitted: false }));
    expect(former.get(1)).toBeUndefined();
  });
});
