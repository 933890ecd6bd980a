import { runStoreContract } from '@routerd/observers/contract';
import { opened, temporaryFile } from './store-rig.ts';

runStoreContract('sqlite', () => {
  const file = temporaryFile();
  const first = opened(file);
  const reopen = () => {
    first.close();
    return opened(file).runs;
  };
  return { store: first.runs, reopen };
});
