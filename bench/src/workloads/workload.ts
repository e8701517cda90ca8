import type { Control } from '../harness/control.js';
import type { Clients, Members } from '../systems/system.js';

export interface Meter {
  /** Measuring begins, and ends, so that processor time is that of what is measured; it may begin and end again. */
  begin(): void;
  end(): void;
  /** Memory that the servers have in use now, all together. */
  residentBytes(): number;
}

/** What one round of one system came to. */
export interface Outcome {
  /** By what they are of, such as `change p50`, in the units that the plan tells. */
  metrics: Record<string, number>;
  /** Operations or arrivals while it was measured, which share the processor time. */
  operations: number;
  /** Changes that a subscriber never saw, nor anything newer in their place; and members that never came back. */
  missed: number;
  /** What is told as a distribution over all rounds: single times, in milliseconds. */
  samples?: Record<string, number[]>;
}

/** What a workload may use of a system, each made once it asks for it. */
export interface Stage {
  readonly clients: Clients;
  readonly control: Control;
  /** See Reach. */
  members(roams: boolean): Promise<Members>;
}

/** Something to do with a system of which nothing has been asked yet. */
export type Workload<Size> = (clients: Clients, size: Size, meter: Meter) => Promise<Outcome>;

/** The same with members, and with servers that may be killed. */
export type StagedWorkload<Size> = (stage: Stage, size: Size, meter: Meter) => Promise<Outcome>;
