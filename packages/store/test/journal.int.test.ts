import { journalContract } from '@routerd/actions/contract';
import { opened, temporaryFile } from './store-rig.ts';

journalContract('sqlite', async () => {
  const file = temporaryFile();
  const store = opened(file);
  return {
    journal: store.journal,
    reopen: async () => {
      store.close();
      return opened(file).journal;
    },
  };
});
