import { compilations, complaints, makeConsumer } from '../tests/package/consumer.ts';
import { packTarball } from '../tests/package/tarball.ts';

const t = packTarball(process.argv[2]);
const app = makeConsumer(t);
console.log(app);
for (const c of compilations)
  if (c.module === 'bundler') {
    const a = Date.now();
    console.log(Object.values(c).join(' '), complaints(app, c), Date.now() - a);
  }
