// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func batchNormalization(
    _ plan: BatchNormalization, _ inputs: BatchNormalization.Inputs, into results: BatchNormalization.Results
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.channels == 0 { return }
    let weight = inputs.weight.map(denseFloat)
    let bias = inputs.bias.map(denseFloat)
    let old = inputs.running.map { (denseFloat($0.mean), denseFloat($0.variance)) }
    let table = tern_normalization_functions_for(isa).pointee
    let strips = ChannelStrips(self, plan)
    let (x, y) = (strips.operand(inputs.x), strips.operand(results.y))
    let residual = inputs.residual.map(strips.operand)
    let moments = strips.workspace(self, of: tern_moments.self, perColumn: 1)
    let coefficients = strips.coefficients(self)
    let streams = isWorthStreaming(results.y)
    let count = Float(plan.channelCount)
    strips.run(
      threads,
      first: { strip, images, place in
        let target = moments.pointer + place
        if strips.usesColumns {
          target.update(repeating: tern_moments(), count: strip.columns)
          var array = x.array(strip, images)
          table.column_moments(&array, images.count, strip.columns, target)
        } else {
          var array = x.array(strip, images)
          target.pointee = table.moments(&array, images.count, plan.inner)
        }
      },
      join: { strip, places in
        for channel in strip.channels {
          var total = tern_moments()
          for place in places {
            for column in strip.columns(of: channel) { tern_moments_merge(&total, moments.pointer + place + column) }
          }
          let mean = Float(total.mean)
          let variance = total.squares / total.count
          let deviation = Float(1 / (variance + Double(plan.epsilon)).squareRoot())
          results.mean.floats[channel] = mean
          results.deviation.floats[channel] = deviation
          if let old, let new = results.running, let momentum = inputs.running?.momentum {
            new.mean.floats[channel] = old.0.floats[channel] * (1 - momentum) + mean * momentum
            new.variance.floats[channel] =
              old.1.floats[channel] * (1 - momentum) + Float(variance) * (count / (count - 1)) * momentum
          }
          coefficients.set(
            channel, mean, deviation * (weight?.floats[channel] ?? 1), bias?.floats[channel] ?? 0)
        }
      },
      second: { strip, images in
        var span = tern_norm_span()
        span.runs = images.count
        span.length = strips.usesColumns ? strip.columns : plan.inner
        span.rectifies = plan.rectifies
        span.streams = streams
        span.x = x.array(strip, images)
        span.y = y.array(strip, images)
        if let residual { span.residual = residual.array(strip, images) }
        if strips.usesColumns {
          var columns = tern_norm_columns()
          columns.span = span
          (columns.mean, columns.scale, columns.bias) = (
            coefficients[0, strip], coefficients[1, strip], coefficients[2, strip]
          )
          table.column_normalize(&columns)
        } else {
          table.normalize(
            &span, coefficients[0, strip].pointee, coefficients[1, strip].pointee,
            coefficients[2, strip].pointee)
        }
      })
    withExtendedLifetime((weight, bias, old, moments, coefficients, x, y, residual)) {}
  }

  package func batchNormalizationGradient(
    _ plan: BatchNormalization, _ saved: BatchNormalization.Saved, dy: StridedView,
    into gradients: BatchNormalization.Gradients
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.channels == 0 { return }
    let weight = saved.weight.map(denseFloat)
    let (mean, deviation) = (denseFloat(saved.mean), denseFloat(saved.deviation))
    let table = tern_normalization_functions_for(isa).pointee
    let strips = ChannelStrips(self, plan)
    let x = strips.operand(saved.x)
    let y = plan.rectifies ? saved.y.map(strips.operand) : nil
    let upstream = strips.operand(dy)
    let (dx, dResidual) = (gradients.dx.map(strips.operand), gradients.dResidual.map(strips.operand))
    let sums = strips.workspace(self, of: Double.self, perColumn: 2)
    let coefficients = strips.coefficients(self)
    for channel in 0..<plan.channels { coefficients.set(channel, mean.floats[channel]) }

    func span(_ strip: ChannelStrips.Strip, _ images: Range<Int>) -> tern_norm_span {
      var span = tern_norm_span()
      span.runs = images.count
      span.length = strips.usesColumns ? strip.columns : plan.inner
      span.rectifies = plan.rectifies
      span.x = x.array(strip, images)
      span.dy = upstream.array(strip, images)
      if let y { span.y = y.array(strip, images) }
      return span
    }

    strips.run(
      threads,
      first: { strip, images, place in
        let target = sums.pointer + 2 * place
        var span = span(strip, images)
        let means = coefficients[0, strip]
        if strips.usesColumns {
          target.update(repeating: 0, count: 2 * strip.columns)
          var columns = tern_norm_columns()
          columns.span = span
          columns.mean = means
          table.column_gradient_sums(&columns, target)
        } else {
          table.gradient_sums(&span, means.pointee, target)
        }
      },
      join: { strip, places in
        for channel in strip.channels {
          var (sum, product) = (0.0, 0.0)
          for place in places {
            for column in strip.columns(of: channel) {
              sum += sums.pointer[2 * (place + column)]
              product += sums.pointer[2 * (place + column) + 1]
            }
          }
          let deviation = Double(deviation.floats[channel])
          gradients.dBias.floats[channel] = Float(sum)
          gradients.dWeight.floats[channel] = Float(product * deviation)
          let slope = deviation * Double(weight?.floats[channel] ?? 1)
          let count = Double(plan.channelCount)
          coefficients.set(
            channel, mean.floats[channel], Float(slope), Float(-slope * deviation * deviation * product / count),
            Float(-slope * sum / count))
        }
      },
      second: { strip, images in
        guard let dx else { return }
        var span = span(strip, images)
        span.dx = dx.array(strip, images)
        if let dResidual { span.d_residual = dResidual.array(strip, images) }
        if strips.usesColumns {
          var columns = tern_norm_columns()
          columns.span = span
          columns.mean = coefficients[0, strip]
          (columns.slope, columns.tilt, columns.level) = (
            coefficients[1, strip], coefficients[2, strip], coefficients[3, strip]
          )
          table.column_input_gradient(&columns)
        } else {
          table.input_gradient(
            &span, coefficients[0, strip].pointee, coefficients[1, strip].pointee, coefficients[2, strip].pointee,
            coefficients[3, strip].pointee)
        }
      })
    withExtendedLifetime((weight, mean, deviation, sums, coefficients, x, y, upstream, dx, dResidual)) {}
  }
}
