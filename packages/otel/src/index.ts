// Godwit's telemetry by OpenTelemetry.
export { createTelemetry, type OpenTelemetryOptions } from './telemetry.ts';
