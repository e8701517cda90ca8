import type { RoutingTable } from '#model';
import type { Membership } from '../membership/membership.js';
import type { DataOptions } from './contract.js';

/**
 * Whether this incarnation takes the place of the one before it: out of touch with meta since its start, it leads what its
 * saved table gives to the incarnation that ran at its address, with its folder; see `Leadership`. A meta server that
 * answers but has no leader to name is as good as none.
 */
export class StandIn {
  isActive = false;
  readonly predecessor: string | undefined;
  private startedAtMs = 0;

  constructor(
    private readonly options: DataOptions,
    private readonly standInMs: number,
  ) {
    const { self, table, run } = options;
    this.predecessor = run > 0 ? predecessorOf(self.address, table) : undefined;
  }

  get run(): number {
    return this.options.run;
  }

  started(nowMs: number): void {
    this.startedAtMs = nowMs;
  }

  /** True when it is time to begin. */
  isDue(nowMs: number, membership: Membership): boolean {
    if (this.isActive || this.predecessor === undefined || !membership.table || !membership.isWithoutMeta) return false;
    return nowMs - this.startedAtMs >= this.standInMs;
  }
}

/** Who ran at our address when the table was saved in our folder. */
function predecessorOf(ownAddress: string, table: RoutingTable | undefined): string | undefined {
  return table?.members.find(({ role, address }) => role === 'data' && address === ownAddress)?.incarnation;
}
