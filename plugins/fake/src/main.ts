#!/usr/bin/env node
/**
 * The process: `node src/main.ts`, requests on stdin. The cloud is the file that `FAKE_CLOUD_FILE` names, or, in a router of the lab, the
 * emulated cloud around it.
 */
import { serve } from '@routerd/plugin-sdk';
import { createFakeExecutor } from './executor.ts';
import { FileCloud } from './file-cloud.ts';
import { LabCloud } from './lab-cloud.ts';

const socket = process.env['LAB_CLOUD_SOCKET'];

await serve(
  createFakeExecutor(
    socket === undefined ? new FileCloud(process.env['FAKE_CLOUD_FILE'] ?? 'fake-cloud.json') : new LabCloud(socket),
  ),
);
