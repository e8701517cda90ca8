/** What may be under way at one time. Repair of leaders is never bounded. */
export interface PlannerLimits {
  /** Joining replicas in the whole table. */
  maxJoining: number;
  /** Joining replicas that one server catches up, and that one leader feeds. */
  maxJoiningPerServer: number;
  /** Leadership moves in one plan. Writes to a slot wait while it is handed over, so they come a few at a time. */
  movesPerRound: number;
}

export const DEFAULT_LIMITS: PlannerLimits = { maxJoining: 64, maxJoiningPerServer: 16, movesPerRound: 16 };
