/** Options that make no sense together: a command ends with status 2. */
export class UsageError extends Error {}
