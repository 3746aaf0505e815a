"""Plants: sprites of trees and undergrowth, and groves of them."""
