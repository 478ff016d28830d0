// SPDX-License-Identifier: MIT
import CTernCPU

extension Reduction {
  /// The code of the C loops; `logSumExp` is two of them.
  var fold: Int {
    switch self {
    case .sum: Int(TERN_SUM)
    case .mean: Int(TERN_MEAN)
    case .product: Int(TERN_PRODUCT)
    case .max: Int(TERN_MAX)
    case .min: Int(TERN_MIN)
    case .logSumExp: Int(TERN_SUM_OF_EXPONENTIALS)
    case .sumOfSquares: Int(TERN_SUM_OF_SQUARES)
    }
  }
}

/// The fold that joins partial results.
func joining(_ code: Int) -> Int {
  code == Int(TERN_SUM_OF_EXPONENTIALS) || code == Int(TERN_SUM_OF_SQUARES) ? Int(TERN_SUM) : code
}

func rowsFold(
  _ table: UnsafePointer<tern_reduction_functions>, _ code: Int, _ dtype: DType
) -> tern_fold_rows {
  tern_rows_fold(table, Int32(code), dtype == .int64)!
}

func columnsFold(
  _ table: UnsafePointer<tern_reduction_functions>, _ code: Int, _ dtype: DType
) -> tern_fold_columns {
  tern_columns_fold(table, Int32(code), dtype == .int64)!
}
