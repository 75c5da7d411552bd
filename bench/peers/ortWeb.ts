import * as ort from 'onnxruntime-web';
import type { Contender, Product, Sampling, Tensors } from '../contender.ts';
import { serve } from '../serve.ts';
import { constant, input, model, node, output } from './onnx.ts';
import { draw, rowsWithBias, transposed } from './tensors.ts';

/** ONNX Runtime Web on WebAssembly: no training, so products and sampling only. */

ort.env.wasm.numThreads = 1;

function session(...parts: Uint8Array[]): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model(...parts), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
}

async function product({ N }: Product, tensors: Tensors): Promise<Contender> {
  const shape = [N, N];
  const graph = await session(
    node('MatMul', ['a', 'b'], ['c']),
    input('a', shape),
    input('b', shape),
    output('c', shape),
  );
  const feeds = {
    a: new ort.Tensor('float32', tensors.a as Float32Array, shape),
    b: new ort.Tensor('float32', tensors.b as Float32Array, shape),
  };
  return {
    async run(steps) {
      let { c } = await graph.run(feeds);
      for (let i = 1; i < steps; i++) ({ c } = await graph.run(feeds));
      return c.data as Float32Array;
    },
  };
}

async function sampling({ cell, H, V }: Sampling, tensors: Tensors): Promise<Contender> {
  const { weight_ih_l0, weight_hh_l0, bias_ih_l0, weight_ho, bias_ho, uniforms } = tensors;
  const width = bias_ih_l0.length;
  const rows = rowsWithBias(weight_ih_l0, bias_ih_l0);
  const lstm = cell === 'lstm';
  const gates = ['i', 'f', 'g', 'o'].flatMap((gate, n) => [
    constant(`from ${gate}`, [1], [n * H]),
    constant(`to ${gate}`, [1], [(n + 1) * H]),
    node('Slice', ['z', `from ${gate}`, `to ${gate}`, 'axis'], [`z ${gate}`]),
    node(gate === 'g' ? 'Tanh' : 'Sigmoid', [`z ${gate}`], [gate]),
  ]);
  const graph = await session(
    constant('Wh', [H, width], transposed(weight_hh_l0, H)),
    constant('Wy', [H, V], transposed(weight_ho, H)),
    constant('by', [V], bias_ho as Float32Array),
    input('x', [1, width]),
    input('h', [1, H]),
    node('MatMul', ['h', 'Wh'], ['Wh h']),
    node('Add', ['Wh h', 'x'], ['z']),
    ...(lstm
      ? [
          input('c', [1, H]),
          constant('axis', [1], [1]),
          ...gates,
          node('Mul', ['f', 'c'], ['kept']),
          node('Mul', ['i', 'g'], ['added']),
          node('Add', ['kept', 'added'], ['next c']),
          node('Tanh', ['next c'], ['tanh c']),
          node('Mul', ['o', 'tanh c'], ['next h']),
          output('next c', [1, H]),
        ]
      : [node('Tanh', ['z'], ['next h'])]),
    node('MatMul', ['next h', 'Wy'], ['Wy h']),
    node('Add', ['Wy h', 'by'], ['y']),
    output('next h', [1, H]),
    output('y', [1, V]),
  );
  let state: Record<string, ort.Tensor> = { h: new ort.Tensor('float32', new Float32Array(H), [1, H]) };
  if (lstm) state.c = new ort.Tensor('float32', new Float32Array(H), [1, H]);
  let id = 0;
  let n = 0;
  return {
    async run(steps) {
      const ids: number[] = [];
      for (let i = 0; i < steps; i++) {
        const x = new ort.Tensor('float32', rows.subarray(id * width, (id + 1) * width), [1, width]);
        const after = await graph.run({ x, ...state });
        state = { h: after['next h'] as ort.Tensor };
        if (lstm) state.c = after['next c'] as ort.Tensor;
        id = draw(after.y.data as Float32Array, uniforms[n++ % uniforms.length]);
        ids.push(id);
      }
      return ids;
    },
  };
}

await serve((task, tensors) => {
  if (task.kind === 'product') return product(task, tensors);
  if (task.kind === 'sampling') return sampling(task, tensors);
  throw new Error('ONNX Runtime Web does not train');
});
