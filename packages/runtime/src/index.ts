export { Alarm } from './alarm.ts';
export { ManualClock, steadyClock, systemClock, type Clock } from './clock.ts';
export { createLog, LOG_LEVELS, RecordingLog, type Log, type LogFields, type LogLevel } from './log.ts';
export { runCommand, type CommandFault, type CommandOptions, type CommandResult } from './run-command.ts';
