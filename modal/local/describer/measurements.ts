/**
 * What the local describer measures in a chunk of frames.
 *
 * @module
 */

/** Names the describer has for colours. */
export type ColourName =
  | "black"
  | "grey"
  | "white"
  | "brown"
  | "beige"
  | "red"
  | "orange"
  | "yellow"
  | "green"
  | "turquoise"
  | "blue"
  | "purple"
  | "pink";

/** A colour and the share of the picture it fills, 0..1. */
export interface ColourShare {
  readonly name: ColourName;
  readonly share: number;
}

/** How light the picture is, in words. */
export type Light = "dark" | "dim" | "moderate" | "bright" | "very bright";

/** A way to go in the picture, as the viewer sees it. */
export interface Direction {
  readonly horizontal: "left" | "right" | undefined;
  readonly vertical: "up" | "down" | undefined;
}

/** One of the nine fields of the picture. */
export interface Place {
  readonly horizontal: "left" | "centre" | "right";
  readonly vertical: "top" | "middle" | "bottom";
}

/** A part of the picture in which something moves. Two who walk close together are one part. */
export interface MovingRegion {
  readonly place: Place;
  /** Its middle, 0..1 from the left and from the top. */
  readonly centre: { readonly x: number; readonly y: number };
  /** The share of the picture that changed there, 0..1. */
  readonly areaShare: number;
  /** Where it goes, if that is clear. */
  readonly direction: Direction | undefined;
  /** The colour of what moves, if one stands out. */
  readonly colour: ColourName | undefined;
}

/** What the camera does between the frames. */
export type CameraMotion =
  /** One frame, or frames too unlike each other to tell. */
  | { readonly kind: "unknown" }
  | { readonly kind: "steady" }
  /** Small shifts of the whole picture, to and fro: a hand, a head. */
  | { readonly kind: "shakes" }
  /** The whole picture shifts one way; `direction` is the camera's, opposite to the picture's. */
  | {
    readonly kind: "pans";
    readonly direction: Direction;
    /** How far in all, as a share of the picture's longer side. */
    readonly travel: number;
  }
  /** The whole picture grows or shrinks: the wearer walks, or the lens zooms. */
  | {
    readonly kind: "approaches" | "recedes";
    /** By what share of its size, in all. */
    readonly growth: number;
  };

/** Everything measured in the frames that could be decoded. */
export interface Measurements {
  readonly framesGiven: number;
  readonly framesDecoded: number;
  /** Mean luma, 0 (black) to 1 (white), of the frames after the last cut, as are all below. */
  readonly brightness: number;
  readonly light: Light;
  /** Brightness of the last frame less that of the first, -1..1; undefined for a single frame. */
  readonly brightnessChange: number | undefined;
  /** Largest share first; shares add up to 1. */
  readonly colours: readonly ColourShare[];
  /** 0 (smeared) to 1; undefined where there is too little detail to tell. */
  readonly sharpness: number | undefined;
  /**
   * The share of the picture that changes from a frame to the next, 0..1, apart from light; the
   * whole of it counts when the camera moves. Undefined for a single frame.
   */
  readonly motion: number | undefined;
  /** What moves while the camera does not, largest first. */
  readonly regions: readonly MovingRegion[];
  readonly camera: CameraMotion;
  /** Whether the picture changed altogether, once or more, from a frame to the next. */
  readonly cut: boolean;
  /** How likely it did, 0..1; above 0.5 only where `cut`. Undefined for a single frame. */
  readonly sceneChange: number | undefined;
}
