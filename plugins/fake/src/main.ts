#!/usr/bin/env node
/** The process: `node src/main.ts`, requests on stdin. The cloud is the file that `FAKE_CLOUD_FILE` names. */
import { serve } from '@routerd/plugin-sdk';
import { createFakeExecutor } from './executor.ts';
import { FileCloud } from './file-cloud.ts';

await serve(createFakeExecutor(new FileCloud(process.env['FAKE_CLOUD_FILE'] ?? 'fake-cloud.json')));
