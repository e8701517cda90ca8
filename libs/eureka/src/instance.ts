export const STATUSES = ['UP', 'DOWN', 'STARTING', 'OUT_OF_SERVICE', 'UNKNOWN'] as const;
export type Status = (typeof STATUSES)[number];

/** What has become of an instance, for those who are told changes alone. */
export type ActionType = 'ADDED' | 'MODIFIED' | 'DELETED';

export const DATA_CENTERS = ['Netflix', 'Amazon', 'MyOwn'] as const;

export interface Port {
  number: number;
  isEnabled: boolean;
}

export interface LeaseInfo {
  renewalIntervalInSecs: number;
  durationInSecs: number;
  registrationTimestamp: number;
  lastRenewalTimestamp: number;
  evictionTimestamp: number;
  serviceUpTimestamp: number;
}

export interface DataCenterInfo {
  name: (typeof DATA_CENTERS)[number];
  /** Of Amazon's. */
  metadata?: Readonly<Record<string, string>>;
}

/** What Eureka calls InstanceInfo. Times are those of day, in milliseconds. */
export interface Instance {
  instanceId: string;
  /** In upper case. */
  app: string;
  hostName: string;
  ipAddr: string;
  status: Status;
  /** What the instance said of itself last; nobody is told. */
  reportedStatus: Status;
  /** UNKNOWN where nobody has overridden what the instance says of itself. */
  overriddenStatus: Status;
  port: Port;
  securePort: Port;
  countryId: number;
  dataCenterInfo: DataCenterInfo;
  leaseInfo: LeaseInfo;
  metadata: Readonly<Record<string, string>>;
  texts: Readonly<Partial<Record<TextField, string>>>;
  isCoordinatingDiscoveryServer: boolean;
  lastUpdatedTimestamp: number;
  lastDirtyTimestamp: number;
  actionType: ActionType;
}

/** Fields that are handed on as they came, in the order in which they are told. */
export const TEXT_FIELDS = [
  ...(['sid', 'appGroupName', 'homePageUrl', 'statusPageUrl', 'healthCheckUrl', 'secureHealthCheckUrl'] as const),
  ...(['vipAddress', 'secureVipAddress', 'asgName'] as const),
] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

/** An application with those of its instances that are meant: all, or those that have changed. */
export interface Application {
  name: string;
  instances: readonly Instance[];
}

export interface Applications {
  versionsDelta: number;
  hashCode: string;
  applications: readonly Application[];
}

/** Those of Eureka's own classes. */
export const DEFAULTS = {
  port: { number: 7001, isEnabled: true },
  securePort: { number: 7002, isEnabled: false },
  countryId: 1,
  renewalIntervalInSecs: 30,
  durationInSecs: 90,
} as const;
