import { z } from 'zod';
import {
  type RouteDescription,
  contentsSchema,
  cursorsSchema,
  datumItem,
  localSchema,
  nameFilters,
  nextSchema,
  paging,
} from '#nest';

export const readDatum: RouteDescription = {
  summary: 'Which names there are in the slots that this server leads, or one of them with its publications',
  description:
    'With a `dataId` that datum, a page of its publications, with owners and stamps; `group` and `instanceId` are then the default ' +
    'ones where they are left out. Without a `dataId` a page of the names.',
  query: z.object({ ...paging, ...nameFilters, local: localSchema }),
  answers: {
    200: {
      description: 'The names, or the datum.',
      schema: z.union([
        contentsSchema,
        z
          .object({
            datums: z.array(datumItem),
            next: nextSchema,
            cursors: cursorsSchema,
            tableEpoch: z.number().int().optional().describe('Left out where slots have changed hands meanwhile.'),
          })
          .meta({ id: 'Datums' }),
      ]),
    },
  },
  errors: ['BAD_REQUEST', 'INVALID_NAME', 'NOT_READY', 'NOT_LEADER', 'OVERLOADED'],
};
