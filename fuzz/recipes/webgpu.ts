import type { Recipes } from '../recipe.ts';
export const webgpu: Recipes = {};
