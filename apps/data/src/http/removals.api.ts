import { z } from 'zod';
import {
  type RouteDescription,
  cursorsSchema,
  localSchema,
  nextSchema,
  paging,
  removalFilters,
  removalItem,
} from '#nest';

export const listRemovals: RouteDescription = {
  summary: 'What has disappeared lately from the slots that this server leads: who, when and why',
  query: z.object({ ...paging, ...removalFilters, local: localSchema }),
  answers: {
    200: {
      description: 'A page, from the newest to the oldest.',
      schema: z
        .object({ removals: z.array(removalItem), next: nextSchema, cursors: cursorsSchema })
        .meta({ id: 'Removals' }),
    },
  },
  errors: ['BAD_REQUEST', 'INVALID_NAME', 'NOT_READY', 'OVERLOADED'],
};
