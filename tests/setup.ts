import fc from 'fast-check';

/**
 * Properties are tried with one seed, so that a run of the tests says something about the change and not about the dice.
 * `FC_SEED=random npx vitest run tests/property` throws them anew, `FC_SEED=123` as given; a failure prints its seed.
 */
const given = process.env.FC_SEED ?? '20261121';
if (given !== 'random') fc.configureGlobal({ seed: Number(given) });
