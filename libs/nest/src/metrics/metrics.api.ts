import { z } from 'zod';
import type { RouteDescription } from '../openapi/described.js';

export const readMetrics: RouteDescription = {
  summary: 'Metrics, in the text format of Prometheus',
  answers: { 200: { description: 'As they are now.', type: 'text/plain', schema: z.string() } },
};
