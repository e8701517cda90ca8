import { z } from 'zod';
import { type RouteDescription, paging } from '#nest';
import { datumsPage } from './lists.vocabulary.js';
import { NEEDS_A_LEADER, datumSchema, viewQuery } from './vocabulary.js';

const { dataId, ...view } = viewQuery;

export const readDatum: RouteDescription = {
  summary: 'What is published under a name, or which names there are',
  description:
    'With a `dataId` what is published under it: under a name that nobody has published there is an empty list. All of it is told, ' +
    'or a page of it where `limit` or `after` is given. Without a `dataId` a page of the names in the whole cluster.',
  query: z.object({
    dataId: dataId.optional(),
    ...view,
    prefix: z.string().optional().describe('Without a dataId: of the dataIds that are listed.'),
    ...paging,
  }),
  answers: {
    200: {
      description: 'The list, at its version; or the names.',
      schema: z.union([datumSchema, datumsPage]),
    },
  },
  errors: ['BAD_REQUEST', 'INVALID_NAME', 'INVALID_SCOPE', ...NEEDS_A_LEADER],
};
