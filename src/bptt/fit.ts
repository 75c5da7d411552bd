export type FitOptions = Record<'epochs', number>;
