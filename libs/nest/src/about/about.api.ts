import { z } from 'zod';
import type { RouteDescription } from '../openapi/described.js';

const about = z.object({
  role: z.enum(['meta', 'data', 'session']),
  address: z.string().describe('Where others reach it over RPC.'),
  httpAddress: z.string(),
  etcdAddress: z.string().optional().describe('Where clients of etcd reach it, if it serves them.'),
  incarnation: z.string().optional().describe('Of the process that runs now.'),
  clusterId: z.string().optional().describe('Left out until it knows its cluster.'),
  version: z.string(),
  featureLevel: z.int().describe('The highest that it supports.'),
  nodeVersion: z.string(),
  wallMs: z.number().describe('The time of day by its clock, in milliseconds since 1970. Nothing is decided by it.'),
  upMs: z.number().describe('For how long it runs.'),
  metaAddresses: z.array(z.string()).describe('Where it looks for meta servers, over RPC.'),
});

export const readVersion: RouteDescription = {
  summary: 'Who answers here, and of which version',
  answers: { 200: { description: 'What the server says of itself.', schema: about } },
};
