export const ETCD_MEMBERS = Symbol('EtcdMembers');

/** A session server as clients of etcd know it. */
export interface EtcdMember {
  id: bigint;
  name: string;
  /** `host:port`, where clients of etcd reach it. */
  address: string;
}

/** Who serves clients of etcd. Some of them go by it rather than by what their settings name. */
export interface EtcdMembers {
  list(): Promise<EtcdMember[]>;
}
