import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadModel, readSafetensors, saveModel } from 'bptt';
import { fromStateDict, readNpz, readOnnx, readTorch, specOfConfig } from 'bptt/interop';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { command } from '../../cli/commands/convert.ts';
import { netOf } from '../interop/nets.ts';
import { fixture } from '../interop/reference.ts';
import { run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-convert-'));
const at = (...path: string[]) => join(folder, ...path);
const bytes = (name: string) => new Uint8Array(readFileSync(at(name)));
const convert = (...args: string[]) => run('convert', args, folder);
/** The same in this process, which is faster. */
async function within(args: readonly string[]): Promise<void> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const before = process.cwd();
  process.chdir(folder);
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    process.chdir(before);
    log.mockRestore();
  }
}

beforeAll(() => {
  for (const name of ['lstm2.ckpt.pt', 'gru2_bi.onnx', 'rnn_relu2.npz', 'lstm.safetensors']) {
    writeFileSync(at(name), fixture(`torch/${name}`));
  }
  writeFileSync(at('net.onnx'), fixture('torch2/A18.onnx'));
  writeFileSync(at('A18.onnx.data'), fixture('torch2/A18.onnx.data'));
  writeFileSync(at('A18.onnx'), fixture('torch2/A18.onnx'));
  writeFileSync(at('gru.keras'), gunzipSync(fixture('keras/gru.keras.gz')));
  const { fixture: kept, ...model } = JSON.parse(new TextDecoder().decode(fixture('tfjs/gru.json')));
  mkdirSync(at('tfjs'));
  writeFileSync(at('tfjs/model.json'), JSON.stringify(model));
  writeFileSync(at('tfjs/group1-shard1of1.bin'), Buffer.from(kept.weights, 'base64'));
  writeFileSync(at('evil.pt'), evilCheckpoint());
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A zip with a pickle that would call os.system('touch pwned'). */
function evilCheckpoint(): Uint8Array {
  const pickle = Buffer.from('\x80\x02cos\nsystem\nX\x0b\x00\x00\x00touch pwned\x85R.', 'latin1');
  const name = Buffer.from('archive/data.pkl');
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt32LE(crc(pickle), 14);
  head.writeUInt32LE(pickle.length, 18);
  head.writeUInt32LE(pickle.length, 22);
  head.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt32LE(crc(pickle), 16);
  entry.writeUInt32LE(pickle.length, 20);
  entry.writeUInt32LE(pickle.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + pickle.length, 16);
  return Buffer.concat([head, name, pickle, entry, name, end]);
}

function crc(data: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of data) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = (value >>> 1) ^ (0xedb88320 & -(value & 1));
  }
  return ~value >>> 0;
}

describe('convert', () => {
  test('inspects without writing: names, shapes, what was recognised, what it becomes', async () => {
    const { status, out } = await convert('lstm2.ckpt.pt', '--inspect');
    expect(status).toBe(0);
    expect(out).toContain('lstm2.ckpt.pt: a state_dict of PyTorch\n  rnn.weight_ih_l0  [28,5]  F32\n');
    expect(out).toContain('recognised  rnn.: lstm, 2 layers of 7, bias both');
    expect(out).toMatch(
      /^becomes {5}cell lstm, loss squaredError, inputSize 5, hiddenSize 7, outputSize 4, input dense/m,
    );
    expect(out).toContain('\n  weight_ho  [4,7]\n');
  });

  test('a checkpoint to safetensors in halves under other names, with config.json, and back', async () => {
    mkdirSync(at('half'));
    const there = await convert(
      ...['lstm2.ckpt.pt', 'half/model.safetensors', '--dtype', 'f16', '--rename', 'rnn.=encoder.'],
      ...['--rename', 'fc.=head.', '--loss', 'softmaxCrossEntropy'],
    );
    expect(there).toMatchObject({ status: 0, err: '' });
    expect(there.out).toContain('written     half/model.safetensors, ');
    const { tensors, metadata } = readSafetensors(bytes('half/model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    expect([tensors['encoder.weight_hh_l1'].dtype, tensors['head.weight'].shape]).toEqual(['F16', [4, 7]]);
    expect(specOfConfig(readFileSync(at('half/config.json'), 'utf8'))).toMatchObject({ cell: 'lstm', layers: 2 });
    await convert('half/model.safetensors', 'again.bptt', '--dtype', 'bf16');
    const { model } = await loadModel(bytes('again.bptt'));
    expect(model.spec).toMatchObject({ layers: 2, hiddenSize: 7, loss: { name: 'softmaxCrossEntropy' } });
    const whole = fromStateDict(await readTorch(bytes('lstm2.ckpt.pt'))).parameters;
    for (const [name, values] of Object.entries(model.parameters)) {
      // two roundings, to 11 and to 8 bits
      for (const [i, v] of values.entries()) {
        expect(Math.abs(v - whole[name][i])).toBeLessThanOrEqual(
          (2 ** -8 + 2 ** -11) * Math.abs(whole[name][i]) + 1e-7,
        );
      }
    }
    const { out } = await convert('again.bptt', '--inspect');
    expect(out).toContain('again.bptt: bptt model\n  weight_ih_l0  [28,5]  BF16\n');
  });

  test.each([
    [
      'gru2_bi.onnx',
      'gru.npz',
      async () => (await readNpz(bytes('gru.npz')))['rnn.weight_hh_l1_reverse'].shape,
      [21, 7],
    ],
    [
      'rnn_relu2.npz',
      'rnn.onnx',
      () => readOnnx(bytes('rnn.onnx')).spec.nonlinearity,
      'relu',
      '--nonlinearity',
      'relu',
    ],
    ['gru.keras', 'keras.py', () => readFileSync(at('keras.py'), 'utf8').includes('keras.npz'), true],
    ['tfjs/model.json', 'tfjs.onnx', () => readOnnx(bytes('tfjs.onnx')).spec.cell, 'gruResetBefore'],
    ['A18.onnx', 'A.bptt', async () => (await loadModel(bytes('A.bptt'))).model.spec.layers, 2],
  ])('%s to %s', async (from, to, look, wanted, ...more) => {
    expect(await convert(from, to, ...(more as string[]))).toMatchObject({ status: 0, err: '' });
    expect(await look()).toEqual(wanted);
  });

  test('a run, whose vocabulary goes along where there is room for it', async () => {
    writeFileSync(at('tiny.txt'), tinyText);
    const small = [
      '--preset',
      'min-char-rnn',
      '--hidden',
      '8',
      '--steps',
      '5',
      '--iterations',
      '30',
      '--sample-every',
      '0',
    ];
    await run('train', ['tiny.txt', ...small, '--out', 'run'], folder);
    const { out } = await convert('run', 'run.bptt');
    expect(out).toContain('left out    the state of training (optimizer.0, state.h_l0)');
    const { model, metadata } = await loadModel(bytes('run.bptt'));
    expect((metadata.vocabulary as string[]).length).toBe(model.spec.inputSize);
    // It writes text as the run does; the run goes on in the state of its training, the model in none.
    const written = await run('sample', ['run.bptt', '--length', '20'], folder);
    expect(written).toMatchObject({ status: 0, err: '' });
    expect(Array.from(written.out)).toHaveLength(20);
    // A run stands for its best model, as it does in sample.
    const biases = async (name: string) => (await loadModel(bytes(name))).model.parameters.bias_ho;
    const zeros = Object.entries(model.parameters).map(([name, values]) => [name, values.map(() => 0)]);
    const best = { spec: model.spec, parameters: Object.fromEntries(zeros) };
    writeFileSync(at('run', 'best.bptt'), await saveModel(best, { metadata }));
    await convert('run', 'best.bptt');
    expect((await biases('best.bptt')).every((value) => value === 0)).toBe(true);
    await convert('run', 'last.bptt', '--last');
    expect(await biases('last.bptt')).toEqual(await biases('run/model.bptt'));
    expect((await convert('run.bptt', 'run.bptt')).err).toContain('run.bptt is the file that is read');
    mkdirSync(at('hub'));
    await convert('run', 'hub/model.safetensors');
    expect(JSON.parse(readFileSync(at('hub/config.json'), 'utf8')).vocabulary).toEqual(metadata.vocabulary);
    expect((await convert('run', 'run.onnx')).out).toContain('left out    the vocabulary');
    // The symbols are read again, and the config.json stays that of this net.
    await convert('hub/model.safetensors', 'again.bptt');
    expect((await loadModel(bytes('again.bptt'))).metadata).toEqual(metadata);
    expect(await run('sample', ['again.bptt', '--length', '20'], folder)).toMatchObject({ status: 0, err: '' });
    expect((await convert('run', 'hub/halves.safetensors', '--dtype', 'f16')).err).toBe('');
    expect((await convert('lstm.safetensors', 'hub/other.safetensors')).err).toMatch(
      /^error: hub\/config\.json says what (model|halves)\.safetensors is, which is another net: name a file in/,
    );
    // The run could not go on with a model that is no trainer.
    expect((await convert('run.bptt', 'run/model.bptt')).err).toContain('run/model.bptt is the model of a run');
    expect((await convert('run.bptt', 'run/best.bptt')).err).toContain('run/best.bptt is the model of a run');
  });

  test('the commands of docs/interop.md work', async () => {
    const repository = new URL('../../', import.meta.url).pathname;
    const lines = readFileSync(join(repository, 'docs/interop.md'), 'utf8').match(/^bptt convert .*$/gm)!;
    expect(lines.length).toBeGreaterThan(3);
    mkdirSync(at('docs'));
    for (const line of lines) {
      const [from, to, ...more] = line.split(' ').slice(2);
      const out = to.startsWith('--') ? to : join('docs', to);
      await within([join(repository, from), out, ...more]);
      if (!to.startsWith('--')) expect(existsSync(at(out))).toBe(true);
    }
  });

  test('says what it cannot do, and writes nothing then', async () => {
    const big = netOf({ cell: 'elman', inputSize: 2, hiddenSize: 2, outputSize: 1, loss: 'squaredError' });
    big.parameters.bias_ho[0] = 70000;
    writeFileSync(at('big.bptt'), await saveModel(big));
    mkdirSync(at('others'));
    writeFileSync(at('others/config.json'), '{"model_type":"bert"}');
    for (const [args, message] of [
      [['lstm2.ckpt.pt'], 'which file to write? Name it behind the one to read, or say --inspect'],
      [
        ['lstm2.ckpt.pt', 'x.pt'],
        'x.pt: .pt is not written, but .bptt, .safetensors, .npz, .onnx, .py: write .safetensors, docs/interop.md',
      ],
      [['x.doc', 'x.onnx'], 'x.doc: its suffix is .doc, expected .bptt, .safetensors,'],
      [['none.pt', 'x.onnx'], 'cannot read none.pt: no such file or folder'],
      [['lstm2.ckpt.pt', 'x.npz', '--rename', 'lstm.=rnn.'], "--rename lstm.=rnn.: no tensor's name begins with lstm."],
      [
        ['lstm2.ckpt.pt', '--inspect', '--rename', 'lstm.=rnn.'],
        "--rename lstm.=rnn.: no tensor's name begins with lstm.",
      ],
      [['lstm2.ckpt.pt', 'x.npz', '--dtype', 'f16'], '--dtype goes with .safetensors and .bptt, not with x.npz'],
      [['lstm2.ckpt.pt', 'none/x.npz'], 'cannot write none/x.npz: no such file or folder'],
      [['big.bptt', 'x.bptt', '--dtype', 'f16'], 'bias_ho[0] is 70000, which is no F16'],
      [['lstm.safetensors', 'others/x.safetensors'], 'others/config.json is of another program'],
      [
        ['lstm.safetensors', 'x.npz', '--rename', 'rnn.bias_ih_l0=rnn.bias_hh_l0'],
        'two tensors are called rnn.bias_hh_l0',
      ],
      [['net.onnx', 'x.npz'], 'A18.onnx.data'],
      [['evil.pt', 'x.npz'], 'os.system'],
    ] as const) {
      await expect(within(args)).rejects.toThrow(message);
    }
    expect((await convert('lstm2.ckpt.pt', 'x.npz', '--rename', 'lstm')).status).toBe(2);
    for (const name of ['x.npz', 'x.bptt', 'pwned']) expect(existsSync(at(name))).toBe(false);
  }, 120_000);
});
