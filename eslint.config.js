import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist', 'build', '.tap', 'bench/node_modules'] }),
  {
    files: ['lib/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error'
    }
  }
]
