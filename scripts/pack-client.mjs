// `npm run pack:client [FOLDER]`: makes a tarball of the client, for projects without this repository.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported())
  import('./lib/pack-client.mjs').then(async ({ packClient }) => {
    console.log(await packClient(process.argv[2]));
  });
