export { default } from '../../functions/bench.cpu.ts'
