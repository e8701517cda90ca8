import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { figure, systemsOf } from './report.js';
import type { Unit } from './plan.js';
import { type Measured, valuesOf } from './results.js';
import { summary } from './summary.js';

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 860;
const HEIGHT_OF_BAR = 16;
const HEIGHT_OF_REST = 130;
const COLOURS = ['#2f6fab', '#8fb8de', '#d98b3a', '#7a9e4f', '#8a63a8', '#b8554f'];

/** The medians of one unit as bars, system by system, on a logarithmic axis: what matters is how many times. */
export function plot(measured: Measured, unit: Unit): string | undefined {
  const metrics = measured.metrics.filter((metric) => metric.unit === unit);
  // From top to bottom, which the axis counts from below.
  const systems = systemsOf(measured).toReversed();
  if (metrics.length === 0 || systems.length === 0) return undefined;
  const medianOf = (system: string, key: string): number | '-' =>
    summary(valuesOf(measured, system, key))?.median ?? '-';
  const chart = init(null, null, {
    ...{ renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT_OF_REST + systems.length * heightOf(metrics.length) },
  });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      title: { text: measured.title, left: 'center', textStyle: { fontSize: 15 } },
      legend: { bottom: 0, data: metrics.map(({ key }) => key) },
      grid: { left: 110, right: 70, top: 40, bottom: 65 },
      xAxis: {
        ...{ type: 'log', name: unit === '/s' ? 'per second, more is better' : `${unit}, less is better` },
        ...{ nameLocation: 'middle', nameGap: 25 },
      },
      yAxis: { type: 'category', data: systems },
      series: metrics.toReversed().map(({ key }) => ({
        ...{ type: 'bar', name: key, data: systems.map((system) => medianOf(system, key)) },
        label: {
          ...{ show: true, position: 'right', fontSize: 10 },
          formatter: ({ value }: { value: unknown }) => (typeof value === 'number' ? figure(value) : ''),
        },
      })),
    });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}

/** Of one system, with room between it and the next. */
function heightOf(bars: number): number {
  return HEIGHT_OF_BAR * (Math.max(bars, 3) + 1);
}
